package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenConv3d;
import io.framecast.tools.check.golden.GoldenConvLstm;
import io.framecast.tools.check.golden.Tolerance;
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
 * <p>In tf32 against one that rounds nothing, within {@link Tolerance#TF32}.
 */
class TensorCoreLayersTest {

    private static final Set<Activation> SMOOTH = Set.of(Activation.TANH, Activation.SIGMOID, Activation.LINEAR);

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
            assertWithin(GoldenConvLstm.compare(backend, c, extra, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("roundedConv3ds")
    void conv3dInBFloat16AgreesWithTheReferenceThatRoundsTheSameOperands(int extra, Golden.Case c) {
        try (TestBackend backend = backend(Precision.BF16)) {
            assertWithin(GoldenConv3d.compare(backend, c, extra, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("convLstms")
    void convLstmInTf32StaysWithinItsRounding(Golden.Case c) {
        try (TestBackend backend = backend(Precision.TF32)) {
            assertWithin(GoldenConvLstm.compare(backend, c, 0, Tolerance.TF32));
        }
    }

    @ParameterizedTest
    @MethodSource("conv3ds")
    void conv3dInTf32StaysWithinItsRounding(Golden.Case c) {
        try (TestBackend backend = backend(Precision.TF32)) {
            assertWithin(GoldenConv3d.compare(backend, c, 0, Tolerance.TF32));
        }
    }
}
