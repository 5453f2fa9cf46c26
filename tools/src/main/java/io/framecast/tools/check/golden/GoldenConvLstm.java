package io.framecast.tools.check.golden;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.Activation;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import java.util.List;

/**
 * A ConvLSTM with the weights of a golden case.
 *
 * @param op closed with the scope that it was made in
 */
public record GoldenConvLstm(ConvLstmOp op, Weights kernel, Weights recurrentKernel, Weights bias) {

    public static GoldenConvLstm of(OpScope scope, Golden.Case c, Plan plan) {
        JsonNode kernel = c.settings().get("kernel_size");
        JsonNode strides = c.settings().get("strides");
        JsonNode dilation = c.settings().get("dilation_rate");
        ConvLstmSpec spec = new ConvLstmSpec(c.number("height"), c.number("width"), c.number("channels"),
                c.number("filters"), kernel.get(0).intValue(), kernel.get(1).intValue(), strides.get(0).intValue(),
                strides.get(1).intValue(), dilation.get(0).intValue(), dilation.get(1).intValue(),
                c.text("padding").equals("same"), Activation.named(c.text("activation")),
                Activation.named(c.text("recurrent_activation")));
        Weights kernels = scope.weights(c.values("kernel"));
        Weights recurrentKernel = scope.weights(c.values("recurrent_kernel"));
        Weights bias = scope.weights(c.values("bias"));
        return new GoldenConvLstm(scope.own(scope.get().convLstm(spec, plan, kernels, recurrentKernel, bias)), kernels,
                recurrentKernel, bias);
    }

    /**
     * The differences of outputs and of all gradients.
     *
     * @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first
     */
    public static List<Difference> compare(OpScope scope, Golden.Case c, int extra, Tolerance tolerance) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        GoldenConvLstm layer = of(scope, c, new Plan(frames + extra, batch + extra, true, true));
        float[] x = c.values("x");
        float[] dh = c.values("dh");
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            layer.op.forward(scope.noise(x.length / (frames * batch) * images), frames + extra, batch + extra, true);
            layer.op.backward(scope.noise(dh.length / (frames * batch) * images));
        }
        Tensor input = scope.tensor(x);
        float[] h = layer.op.forward(input, frames, batch, true).read();
        float[] dx = layer.op.backward(scope.tensor(dh)).read();
        return List.of(Difference.relative("h", c.values("h"), h, tolerance.output()),
                Difference.relative("dx", c.values("dx"), dx, tolerance.gradient()),
                Difference.relative("dkernel", c.values("dkernel"), layer.kernel.gradient().read(),
                        tolerance.gradient()),
                Difference.relative("drecurrent_kernel", c.values("drecurrent_kernel"),
                        layer.recurrentKernel.gradient().read(), tolerance.gradient()),
                Difference.relative("dbias", c.values("dbias"), layer.bias.gradient().read(), tolerance.gradient()));
    }
}
