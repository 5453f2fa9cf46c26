package io.framecast.tools.check.golden;

import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import java.util.List;

/** The golden cases of batch normalisation. */
public final class GoldenBatchNorm {

    private static final double EPSILON = 1e-3;

    /** Averages are computed in float64 and rounded once to float32; the reference is rounded to float32, too. */
    private static final double AVERAGE = Math.scalb(1, -23);

    private final Golden.Case c;
    private final Op op;
    private final Weights gamma;
    private final Weights beta;
    private final Tensor movingMean;
    private final Tensor movingVariance;

    private GoldenBatchNorm(OpScope scope, Golden.Case c, int extra) {
        this.c = c;
        BatchNormSpec spec = new BatchNormSpec(c.number("height"), c.number("width"), c.number("channels"), EPSILON,
                0.99);
        gamma = scope.weights(c.values("gamma"));
        beta = scope.weights(c.values("beta"));
        movingMean = scope.tensor(c.values("moving_mean"));
        movingVariance = scope.tensor(c.values("moving_variance"));
        Plan plan = new Plan(c.number("frames") + extra, c.number("batch") + extra, true, true);
        op = scope.own(scope.get().batchNorm(spec, plan, gamma, beta, movingMean, movingVariance));
    }

    /** In training: outputs by the batch's statistics, the gradients, and the new moving averages. */
    public static List<Difference> compareTraining(OpScope scope, Golden.Case c) {
        GoldenBatchNorm layer = new GoldenBatchNorm(scope, c, 0);
        Tensor x = scope.tensor(c.values("x"));
        float[] y = layer.op.forward(x, c.number("frames"), c.number("batch"), true).read();
        // With this many values, the variance of every channel is above half of the distribution's variance.
        double deviation = c.settings().get("deviation").doubleValue();
        float[] dx = layer.op.backward(scope.tensor(c.values("dy"))).read();
        double gradient = Tolerance.FP32.gradient();
        return List.of(
                Difference.absolute("y", c.values("y_training"), y, layer.affineBound(deviation * deviation / 2)),
                Difference.relative("dx", c.values("dx"), dx, gradient),
                Difference.relative("dgamma", c.values("dgamma"), layer.gamma.gradient().read(), gradient),
                Difference.relative("dbeta", c.values("dbeta"), layer.beta.gradient().read(), gradient),
                Difference.relative("moving mean", c.values("new_moving_mean"), layer.movingMean.read(), AVERAGE),
                Difference.relative("moving variance", c.values("new_moving_variance"), layer.movingVariance.read(),
                        AVERAGE));
    }

    /** In inference: outputs by the moving averages, which stay as they are. */
    public static List<Difference> compareInference(OpScope scope, Golden.Case c) {
        GoldenBatchNorm layer = new GoldenBatchNorm(scope, c, 2);
        Tensor x = scope.tensor(c.values("x"));
        float[] y = layer.op.forward(x, c.number("frames"), c.number("batch"), false).read();
        double least = Double.MAX_VALUE;
        for (float variance : c.values("moving_variance")) {
            least = Math.min(least, variance);
        }
        return List.of(Difference.absolute("y", c.values("y_inference"), y, layer.affineBound(least)),
                Difference.absolute("moving mean", c.values("moving_mean"), layer.movingMean.read(), 0),
                Difference.absolute("moving variance", c.values("moving_variance"), layer.movingVariance.read(), 0));
    }

    /**
     * y is x*scale + shift with both constants rounded to float32, and so are the product and the sum: four roundings
     * of up to 2^-24 of |x|*scale, and one of the reference. If the mean is much larger than the deviation, the two
     * terms cancel and these errors are large compared with y: with mean 100 and deviation 0.1, about 1e-4 of its
     * largest value. Beta adds to the shift, and to its rounding.
     */
    private double affineBound(double leastVariance) {
        double scale = Difference.largest(c.values("gamma")) / Math.sqrt(leastVariance + EPSILON);
        double term = Difference.largest(c.values("x")) * scale;
        return Math.scalb(5 * term + Difference.largest(c.values("beta")), -24);
    }
}
