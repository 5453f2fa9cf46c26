package io.framecast.tools.check.golden;

import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The golden cases of layered advection. */
public final class GoldenLayeredAdvection {

    /** In the order of the op. */
    public static final List<String> INPUTS = List.of("x", "gates", "filters", "flow");

    private GoldenLayeredAdvection() {
    }

    /**
     * The differences of outputs and gradients.
     *
     * @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first
     * @param wanted of which inputs gradients are asked for
     */
    public static List<Difference> compare(OpScope scope, Golden.Case c, int extra, List<Boolean> wanted) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        MultiInputOp op = op(scope, c, new Plan(frames + extra, batch + extra, true, wanted));
        List<Tensor> inputs = inputs(scope, c);
        float[] dy = c.values("dy");
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            op.forward(inputs.stream().map(x -> scope.noise((int) x.size() / (frames * batch) * images)).toList(),
                    frames + extra, batch + extra, true);
            op.backward(scope.noise(dy.length / (frames * batch) * images));
        }
        List<Difference> differences = new ArrayList<>();
        differences.add(Difference.relative("y", c.values("y"), op.forward(inputs, frames, batch, true).read(),
                Tolerance.FP32.output()));
        List<Tensor> gradients = op.backward(scope.tensor(dy));
        for (int k = 0; k < INPUTS.size(); k++) {
            String name = "d" + INPUTS.get(k);
            if (wanted.get(k) != (gradients.get(k) != null)) {
                throw new IllegalStateException(name + " is made although it is not asked for, or the other way round");
            }
            if (wanted.get(k)) {
                differences.add(Difference.relative(name, c.values(name), gradients.get(k).read(),
                        Tolerance.FP32.gradient()));
            }
        }
        return differences;
    }

    public static MultiInputOp op(OpScope scope, Golden.Case c, Plan plan) {
        return scope.own(scope.get().layeredAdvection(new LayeredAdvectionSpec(c.number("height"),
                c.number("width"), c.number("channels"), c.number("block"), c.number("flow_channels"),
                c.number("layers"), c.number("max_displacement"),
                c.settings().get("flow_precision").floatValue()), plan));
    }

    public static List<Tensor> inputs(OpScope scope, Golden.Case c) {
        return INPUTS.stream().map(name -> scope.tensor(c.values(name))).toList();
    }
}
