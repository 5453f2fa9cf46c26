package io.framecast.backend;

import io.framecast.golden.Golden;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Layers on tensor cores against PyTorch in float64. In bfloat16 against a reference that rounds the same operands, as
 * {@link BFloat16Test} does, within the tolerances of float32.
 *
 * <p>In tf32 against one that rounds nothing. With u = 2^-11, the unit roundoff, each product of two operands is off by
 * up to 2u, with random sign. So is an output, at most, since outputs are sums of products; over up to three frames the
 * errors of the hidden state add up to 6u at most. Gradients pass through the frames forward and backward, and have
 * sums of such errors: 12u. Both relative to the largest.
 */
class TensorCoreLayersTest {

    private static final Set<Activation> SMOOTH = Set.of(Activation.TANH, Activation.SIGMOID, Activation.LINEAR);

    private static final double TF32_OUTPUT = Math.scalb(6, -11);
    private static final double TF32_GRADIENT = Math.scalb(12, -11);

    static List<Golden.Case> convLstms() {
        return smooth("conv_lstm", "activation", "recurrent_activation");
    }

    static List<Golden.Case> conv3ds() {
        return smooth("conv3d", "activation");
    }

    /** The cases without kinks in their activations: there, a rounded operand can change a gradient altogether. */
    private static List<Golden.Case> smooth(String golden, String... activations) {
        return Golden.load(golden).cases().stream().filter(c -> Stream.of(activations)
                .allMatch(name -> SMOOTH.contains(Activation.named(c.text(name))))).toList();
    }

    /** Cases, and how many more frames and videos than theirs are planned. */
    static Stream<Arguments> roundedConvLstms() {
        return Stream.of(0, 2).flatMap(
                extra -> Golden.load("conv_lstm_bfloat16").cases().stream().map(c -> Arguments.of(extra, c)));
    }

    static Stream<Arguments> roundedConv3ds() {
        return Stream.of(0, 2).flatMap(
                extra -> Golden.load("conv3d_bfloat16").cases().stream().map(c -> Arguments.of(extra, c)));
    }

    private static TestBackend backend(Precision precision) {
        return TestBackend.cuda(precision, Convolutions.KERNELS, true);
    }

    @ParameterizedTest
    @MethodSource("roundedConvLstms")
    void convLstmInBFloat16AgreesWithTheReferenceThatRoundsTheSameOperands(int extra, Golden.Case c) {
        try (TestBackend backend = backend(Precision.BF16)) {
            ConvLstmTest.compare(backend, c, extra);
        }
    }

    @ParameterizedTest
    @MethodSource("roundedConv3ds")
    void conv3dInBFloat16AgreesWithTheReferenceThatRoundsTheSameOperands(int extra, Golden.Case c) {
        try (TestBackend backend = backend(Precision.BF16)) {
            Conv3dTest.compare(backend, c, extra);
        }
    }

    @ParameterizedTest
    @MethodSource("convLstms")
    void convLstmInTf32StaysWithinItsRounding(Golden.Case c) {
        try (TestBackend backend = backend(Precision.TF32)) {
            ConvLstmTest.compare(backend, c, 0, TF32_OUTPUT, TF32_GRADIENT);
        }
    }

    @ParameterizedTest
    @MethodSource("conv3ds")
    void conv3dInTf32StaysWithinItsRounding(Golden.Case c) {
        try (TestBackend backend = backend(Precision.TF32)) {
            Conv3dTest.compare(backend, c, 0, TF32_OUTPUT, TF32_GRADIENT);
        }
    }
}
