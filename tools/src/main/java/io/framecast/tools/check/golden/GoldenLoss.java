package io.framecast.tools.check.golden;

import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import java.util.List;
import java.util.Locale;

/** The golden cases of losses: random values, logits up to 100, probabilities 0 and 1. */
public final class GoldenLoss {

    /**
     * Each term has a few rounding errors of 2^-24. Runs of 16 terms are added in float32, everything else in float64.
     */
    private static final double TOLERANCE = 1e-6;

    private GoldenLoss() {
    }

    /** The differences of the value, with and without a gradient, and of the gradient. */
    public static List<Difference> compare(OpScope scope, Golden.Case c) {
        float[] outputs = c.values("outputs");
        Loss loss = Loss.valueOf(c.text("loss").toUpperCase(Locale.ROOT));
        LossOp op = scope.own(scope.get().loss(loss, outputs.length + 100));
        Tensor y = scope.tensor(outputs);
        Tensor t = scope.tensor(c.values("targets"));
        double expected = c.settings().get("value").doubleValue();
        op.forward(y, t, outputs.length, true);
        double value = op.value();
        float[] gradient = op.gradient().slice(0, outputs.length).read();
        op.forward(y, t, outputs.length, false);
        return List.of(Difference.of("value", expected, value, TOLERANCE * expected),
                Difference.relative("gradient", c.values("gradient"), gradient, TOLERANCE),
                Difference.of("value without a gradient", expected, op.value(), TOLERANCE * expected));
    }
}
