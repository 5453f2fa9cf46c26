package io.framecast.tools.check.golden;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.Activation;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import java.util.List;

/** The golden cases of Conv3D. */
public final class GoldenConv3d {

    private GoldenConv3d() {
    }

    public static Conv3dSpec spec(Golden.Case c) {
        JsonNode kernel = c.settings().get("kernel_size");
        return new Conv3dSpec(c.number("height"), c.number("width"), c.number("channels"), c.number("filters"),
                kernel.get(0).intValue(), kernel.get(1).intValue(), kernel.get(2).intValue(),
                Activation.named(c.text("activation")));
    }

    /**
     * The differences of outputs and of all gradients.
     *
     * @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first
     */
    public static List<Difference> compare(OpScope scope, Golden.Case c, int extra, Tolerance tolerance) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        Weights kernel = scope.weights(c.values("kernel"));
        Weights bias = scope.weights(c.values("bias"));
        Op op = scope.own(scope.get().conv3d(spec(c), new Plan(frames + extra, batch + extra, true, true), kernel,
                bias));
        float[] x = c.values("x");
        float[] dy = c.values("dy");
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            op.forward(scope.noise(x.length / (frames * batch) * images), frames + extra, batch + extra, true);
            op.backward(scope.noise(dy.length / (frames * batch) * images));
        }
        Tensor input = scope.tensor(x);
        float[] y = op.forward(input, frames, batch, true).read();
        float[] dx = op.backward(scope.tensor(dy)).read();
        return List.of(Difference.relative("y", c.values("y"), y, tolerance.output()),
                Difference.relative("dx", c.values("dx"), dx, tolerance.gradient()),
                Difference.relative("dkernel", c.values("dkernel"), kernel.gradient().read(), tolerance.gradient()),
                Difference.relative("dbias", c.values("dbias"), bias.gradient().read(), tolerance.gradient()));
    }
}
