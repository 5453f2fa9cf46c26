package io.framecast.backend;

import static io.framecast.golden.Closeness.assertClose;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.golden.Closeness;
import io.framecast.golden.Golden;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The convolution over time, height and width against PyTorch's in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class Conv3dTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("conv3d").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAndAllGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            compare(backend, c, 0);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlanForMoreFramesAndVideosServesFewer(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            compare(backend, c, 2);
        }
    }

    /** @param extra how many more frames and videos the plan has; if not 0, a run at full size comes first */
    static void compare(TestBackend backend, Golden.Case c, int extra) {
        compare(backend, c, extra, Closeness.OUTPUT, Closeness.GRADIENT);
    }

    /** The same within these tolerances of outputs and of gradients. */
    static void compare(TestBackend backend, Golden.Case c, int extra, double output, double gradient) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        Weights kernel = backend.weights(c.values("kernel"));
        Weights bias = backend.weights(c.values("bias"));
        Op op = backend.own(backend.get().conv3d(spec(c), new Plan(frames + extra, batch + extra, true, true), kernel,
                bias));
        float[] x = c.values("x");
        float[] dy = c.values("dy");
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            op.forward(ones(backend, x.length / (frames * batch) * images), frames + extra, batch + extra, true);
            op.backward(ones(backend, dy.length / (frames * batch) * images));
        }
        Tensor input = backend.tensor(x);
        assertClose(c + ": y", c.values("y"), op.forward(input, frames, batch, true).read(), output);
        float[] dx = op.backward(backend.tensor(dy)).read();
        assertClose(c + ": dx", c.values("dx"), dx, gradient);
        assertClose(c + ": dkernel", c.values("dkernel"), kernel.gradient().read(), gradient);
        assertClose(c + ": dbias", c.values("dbias"), bias.gradient().read(), gradient);
    }

    private static Tensor ones(TestBackend backend, int size) {
        float[] values = new float[size];
        Arrays.fill(values, 1);
        return backend.tensor(values);
    }

    static Conv3dSpec spec(Golden.Case c) {
        JsonNode kernel = c.settings().get("kernel_size");
        return new Conv3dSpec(c.number("height"), c.number("width"), c.number("channels"), c.number("filters"),
                kernel.get(0).intValue(), kernel.get(1).intValue(), kernel.get(2).intValue(),
                Activation.named(c.text("activation")));
    }
}
