package io.framecast.backend;

import static io.framecast.golden.Closeness.assertClose;
import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.golden.Closeness;
import io.framecast.golden.Golden;
import java.util.List;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation against its definition in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class BatchNormTest {

    @Parameter
    TestDevice device;

    private static final double EPSILON = 1e-3;

    /** Averages are computed in float64 and rounded once to float32; the reference is rounded to float32, too. */
    private static final double AVERAGE = Math.scalb(1, -23);

    private record Layer(Op op, Weights gamma, Weights beta, Tensor movingMean, Tensor movingVariance) {
    }

    static List<Golden.Case> cases() {
        return Golden.load("batch_norm").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainingNormalisesByTheBatchAndItsGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Layer layer = layer(backend, c, 0);
            Tensor x = backend.tensor(c.values("x"));
            float[] y = layer.op.forward(x, c.number("frames"), c.number("batch"), true).read();
            // With this many values, the variance of every channel is above half of the distribution's variance.
            double deviation = c.settings().get("deviation").doubleValue();
            assertWithin(c + ": y", c.values("y_training"), y, affineBound(c, deviation * deviation / 2));
            float[] dx = layer.op.backward(backend.tensor(c.values("dy"))).read();
            assertClose(c + ": dx", c.values("dx"), dx, Closeness.GRADIENT);
            assertClose(c + ": dgamma", c.values("dgamma"), layer.gamma.gradient().read(), Closeness.GRADIENT);
            assertClose(c + ": dbeta", c.values("dbeta"), layer.beta.gradient().read(), Closeness.GRADIENT);
            assertClose(c + ": moving mean", c.values("new_moving_mean"), layer.movingMean.read(), AVERAGE);
            assertClose(c + ": moving variance", c.values("new_moving_variance"), layer.movingVariance.read(), AVERAGE);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void inferenceNormalisesByTheMovingAveragesAndLeavesThem(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Layer layer = layer(backend, c, 2);
            Tensor x = backend.tensor(c.values("x"));
            float[] y = layer.op.forward(x, c.number("frames"), c.number("batch"), false).read();
            double least = Double.MAX_VALUE;
            for (float variance : c.values("moving_variance")) {
                least = Math.min(least, variance);
            }
            assertWithin(c + ": y", c.values("y_inference"), y, affineBound(c, least));
            assertArrayEquals(c.values("moving_mean"), layer.movingMean.read());
            assertArrayEquals(c.values("moving_variance"), layer.movingVariance.read());
        }
    }

    /**
     * y is x*scale + shift with both constants rounded to float32, and so are the product and the sum: four roundings
     * of up to 2^-24 of |x|*scale, and one of the reference. If the mean is much larger than the deviation, the two
     * terms cancel and these errors are large compared with y: with mean 100 and deviation 0.1, about 1e-4 of its
     * largest value. Beta adds to the shift, and to its rounding.
     */
    private static double affineBound(Golden.Case c, double leastVariance) {
        double scale = Closeness.largest(c.values("gamma")) / Math.sqrt(leastVariance + EPSILON);
        double term = Closeness.largest(c.values("x")) * scale;
        return Math.scalb(5 * term + Closeness.largest(c.values("beta")), -24);
    }

    private static Layer layer(TestBackend backend, Golden.Case c, int extra) {
        BatchNormSpec spec = new BatchNormSpec(c.number("height"), c.number("width"), c.number("channels"), EPSILON,
                0.99);
        Weights gamma = backend.weights(c.values("gamma"));
        Weights beta = backend.weights(c.values("beta"));
        Tensor movingMean = backend.tensor(c.values("moving_mean"));
        Tensor movingVariance = backend.tensor(c.values("moving_variance"));
        Plan plan = new Plan(c.number("frames") + extra, c.number("batch") + extra, true, true);
        return new Layer(backend.own(backend.get().batchNorm(spec, plan, gamma, beta, movingMean, movingVariance)),
                gamma, beta, movingMean, movingVariance);
    }
}
