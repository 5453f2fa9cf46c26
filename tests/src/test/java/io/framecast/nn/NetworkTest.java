package io.framecast.nn;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.backend.cpu.CpuBackend.Operands;
import io.framecast.golden.Closeness;
import io.framecast.golden.Golden;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole networks from model JSON against PyTorch in float64. */
class NetworkTest {

    static List<Golden.Case> cases() {
        return Stream.of("networks", "graphs").flatMap(file -> Golden.load(file).cases().stream()).toList();
    }

    static Stream<Arguments> casesOnEveryDevice() {
        return Stream.of(TestDevice.values()).flatMap(device -> cases().stream().map(c -> Arguments.of(device, c)));
    }

    static Stream<Arguments> casesOnMoreThreads() {
        return Stream.of(2, 5).flatMap(threads -> cases().stream().map(c -> Arguments.of(threads, c)));
    }

    @ParameterizedTest
    @MethodSource("casesOnEveryDevice")
    void outputsAgree(TestDevice device, Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            ModelConfig model = GoldenTraining.model(c);
            int batch = c.number("batch");
            Network network = backend.own(Network.forInference(backend.get(), model, c.number("frames") + 1, batch));
            network.parameters().set(GoldenTraining.parameters(c));
            Tensor x = backend.tensor(GoldenTraining.videos(c, "x", 0, batch));
            assertClose("outputs", c.values("outputs"), network.forward(x, c.number("frames"), batch, false).read(),
                    Closeness.OUTPUT);
        }
    }

    @ParameterizedTest
    @MethodSource("casesOnEveryDevice")
    void oneTrainingStepHasTheLossAndEveryGradient(TestDevice device, Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            checkTrainingStep(backend, c);
        }
    }

    @ParameterizedTest
    @MethodSource("casesOnMoreThreads")
    void soItHasOnMoreThreads(int threads, Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(threads)) {
            checkTrainingStep(backend, c);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void soItHasWithTheVendorsConvolutions(Golden.Case c) {
        try (TestBackend backend = TestBackend.cuda(Convolutions.VENDOR, true)) {
            checkTrainingStep(backend, c);
        }
    }

    private static void checkTrainingStep(TestBackend backend, Golden.Case c) {
        GoldenTraining training = new GoldenTraining(backend, c);
        int batch = c.number("batch");
        Tensor y = training.forward(0, batch);
        assertClose("training outputs", c.values("training_outputs"), y.read(), Closeness.OUTPUT);
        // The loss is a mean of terms whose derivative with respect to the output is at most about 1.
        assertEquals(c.settings().get("first_loss").doubleValue(), training.loss(y, 0, batch, true),
                Closeness.OUTPUT);
        training.network().backward(training.loss().gradient());
        Parameters parameters = training.network().parameters();
        Map<String, float[]> actual = new HashMap<>();
        parameters.split(parameters.gradients(), 0).forEach((name, value) -> actual.put(name, value.values()));
        assertEquals(c.named("gradient.").size(), actual.size());
        for (String name : c.named("gradient.")) {
            assertClose("gradient of " + name, c.values("gradient." + name), actual.get(name), Closeness.GRADIENT);
        }
        for (String name : c.named("moving.")) {
            assertClose(name, c.values("moving." + name), parameters.get().get(name).values(), Closeness.OUTPUT);
        }
    }

    @ParameterizedTest
    @MethodSource("casesOnEveryDevice")
    void twentyTrainingLossesAgree(TestDevice device, Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            GoldenTraining training = new GoldenTraining(backend, c);
            double[] expected = c.numbers("losses");
            for (int step = 0; step < expected.length; step++) {
                assertEquals(expected[step], training.step(), 2e-5 * expected[step], "loss of step " + step);
            }
        }
    }

    static Stream<Arguments> casesOfTheVendors() {
        return Stream.of(Precision.BF16, Precision.TF32).flatMap(
                precision -> cases().stream().map(c -> Arguments.of(precision, c)));
    }

    static Stream<Arguments> casesBothWays() {
        return Stream.of(Operands.ROUNDED, Operands.BF16).flatMap(
                operands -> cases().stream().map(c -> Arguments.of(operands, c)));
    }

    /**
     * Two bounds, with u = 2^-8, the unit roundoff of bfloat16. Against the float32 losses: through at most four
     * convolutions, an output accumulates errors of about 2u with random sign; the loss averages over hundreds of
     * outputs, so that a bound of u is sufficient. Against a reference that rounds the same operands: the two differ
     * only where float32 errors make a rounding go the other way, for a few operands in ten thousand; the bound is u/8,
     * and 1e-5 before the first update.
     */
    @ParameterizedTest
    @MethodSource("casesBothWays")
    void twentyLossesInBFloat16StayWithinItsRounding(Operands operands, Golden.Case c) {
        try (TestBackend backend = TestBackend.bf16(operands)) {
            checkTwentyLossesInBFloat16(backend, c);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void soTheyDoOnTensorCores(Golden.Case c) {
        try (TestBackend backend = TestBackend.cuda(Precision.BF16, Convolutions.KERNELS, true)) {
            checkTwentyLossesInBFloat16(backend, c);
        }
    }

    private static void checkTwentyLossesInBFloat16(TestBackend backend, Golden.Case c) {
        GoldenTraining training = new GoldenTraining(backend, c);
        double[] fp32 = c.numbers("losses");
        double[] rounded = c.numbers("losses_bfloat16");
        double u = Math.scalb(1, -8);
        for (int step = 0; step < fp32.length; step++) {
            double loss = training.step();
            assertEquals(fp32[step], loss, u * fp32[step], "loss of step " + step);
            assertEquals(rounded[step], loss, (step == 0 ? 1e-5 : u / 8) * rounded[step], "loss of step " + step);
        }
    }

    /**
     * Longer runs in bfloat16 and in float32 diverge slowly, as with the noise of batches. On tensor cores not faster than
     * on the CPU, on average over the steps: another half of that is allowed, for noise. 0.17 % were measured on both.
     */
    @Test
    void twoHundredLossesOnTensorCoresFollowThoseInFloat32AsTheCpusDo() {
        Golden.Case c = Golden.load("networks").named("keras-16-filters");
        double[] fp32 = losses(TestBackend.fp32(), c);
        double onCpu = meanDifference(fp32, losses(TestBackend.bf16(Operands.ROUNDED), c));
        double onTensorCores = meanDifference(fp32,
                losses(TestBackend.cuda(Precision.BF16, Convolutions.KERNELS, true), c));
        assertTrue(onTensorCores <= 1.5 * onCpu, onTensorCores + ", on the CPU " + onCpu);
        assertTrue(fp32[199] < 0.8 * fp32[0], "nothing was learned: the last loss is " + fp32[199]);
    }

    private static double meanDifference(double[] expected, double[] actual) {
        double sum = 0;
        for (int step = 0; step < expected.length; step++) {
            sum += Math.abs(actual[step] / expected[step] - 1);
        }
        return sum / expected.length;
    }

    private static double[] losses(TestBackend device, Golden.Case c) {
        try (TestBackend backend = device) {
            GoldenTraining training = new GoldenTraining(backend, c);
            double[] losses = new double[200];
            for (int step = 0; step < losses.length; step++) {
                losses[step] = training.step();
            }
            return losses;
        }
    }

    /** By the first of the bounds above, with the unit roundoff of tf32. */
    @ParameterizedTest
    @MethodSource("cases")
    void twentyLossesInTf32StayWithinItsRounding(Golden.Case c) {
        try (TestBackend backend = TestBackend.cuda(Precision.TF32, Convolutions.KERNELS, true)) {
            GoldenTraining training = new GoldenTraining(backend, c);
            double[] fp32 = c.numbers("losses");
            for (int step = 0; step < fp32.length; step++) {
                assertEquals(fp32[step], training.step(), Math.scalb(fp32[step], -11), "loss of step " + step);
            }
        }
    }

    /**
     * Two bounds as above. cuDNN rounds also the sums of a convolution to bfloat16, so against the reference that
     * rounds only its operands the bound is that against the float32 losses, u; a quarter of it was measured, and three
     * quarters against float32. TF32 has a unit roundoff of 2^-11 and float32 sums; 0.92 u was measured, and the bound
     * is 2u, the error of one product.
     */
    @ParameterizedTest
    @MethodSource("casesOfTheVendors")
    void twentyLossesOfTheVendorsConvolutionsStayWithinTheirRounding(Precision precision, Golden.Case c) {
        try (TestBackend backend = TestBackend.cuda(precision, Convolutions.VENDOR, true)) {
            GoldenTraining training = new GoldenTraining(backend, c);
            double[] fp32 = c.numbers("losses");
            double[] rounded = precision == Precision.BF16 ? c.numbers("losses_bfloat16") : fp32;
            double bound = Math.scalb(1, precision == Precision.BF16 ? -8 : -10);
            for (int step = 0; step < fp32.length; step++) {
                double loss = training.step();
                assertEquals(fp32[step], loss, bound * fp32[step], "loss of step " + step);
                assertEquals(rounded[step], loss, bound * rounded[step], "loss of step " + step);
            }
        }
    }
}
