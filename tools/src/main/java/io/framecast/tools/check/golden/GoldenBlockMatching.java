package io.framecast.tools.check.golden;

import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.Arrays;
import java.util.List;

/** The golden cases of block matching, which has no gradient. */
public final class GoldenBlockMatching {

    private GoldenBlockMatching() {
    }

    public static BlockMatchingSpec spec(Golden.Case c) {
        return new BlockMatchingSpec(c.number("height"), c.number("width"), c.number("channels"),
                c.number("block_size"), c.number("max_displacement"), c.number("window"));
    }

    /** The difference of outputs, after a pass of other values at full size, which must leave nothing behind. */
    public static List<Difference> compare(OpScope scope, Golden.Case c) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        float[] x = c.values("x");
        Op op = scope.own(scope.get().blockMatching(spec(c), new Plan(frames + 1, batch + 1, true, false)));
        float[] ones = new float[x.length / (frames * batch) * (frames + 1) * (batch + 1)];
        Arrays.fill(ones, 1);
        op.forward(scope.tensor(ones), frames + 1, batch + 1, true);
        Tensor input = scope.tensor(x);
        Tensor y = op.forward(input, frames, batch, true);
        float[] values = y.read();
        if (op.backward(y) != null) {
            throw new IllegalStateException("block matching has no gradient, and one was made");
        }
        return List.of(Difference.relative("y", c.values("y"), values, Tolerance.FP32.output()));
    }
}
