package io.framecast.backend;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.golden.Closeness;
import io.framecast.golden.Golden;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The ConvLSTM against PyTorch in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class ConvLstmTest {

    @Parameter
    TestDevice device;

    private record Layer(ConvLstmOp op, Weights kernel, Weights recurrentKernel, Weights bias) {
    }

    static List<Golden.Case> cases() {
        return Golden.load("conv_lstm").cases();
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

    @ParameterizedTest
    @MethodSource("cases")
    void stepsFromTheCarriedStateMakeTheSameFrames(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = c.number("frames");
            int batch = c.number("batch");
            Layer layer = layer(backend, c, new Plan(3, batch + 1, false, false));
            float[] x = c.values("x");
            float[] h = c.values("h");
            Tensor input = backend.tensor(x);
            long frame = x.length / frames;
            int size = h.length / frames;
            for (int video = 0; video < 2; video++) {
                layer.op.begin();
                for (int t = 0; t < frames; t++) {
                    // A step over several frames that commits none must leave the state unchanged.
                    int ahead = Math.min(3, frames - t);
                    Tensor seen = layer.op.step(input.slice(t * frame, ahead * frame), ahead, batch, 0);
                    assertClose(c + ", ahead from " + t, Arrays.copyOfRange(h, t * size, (t + ahead) * size),
                            seen.read(), Closeness.OUTPUT);
                    Tensor next = layer.op.step(input.slice(t * frame, frame), 1, batch, 1);
                    assertClose(c + ", frame " + t, Arrays.copyOfRange(h, t * size, (t + 1) * size), next.read(),
                            Closeness.OUTPUT);
                }
            }
        }
    }

    @Test
    void inferenceOverTheWholeSequenceAgreesToo() {
        Golden.Case c = Golden.load("conv_lstm").named("1x1");
        try (TestBackend backend = TestBackend.fp32(device)) {
            Layer layer = layer(backend, c, new Plan(c.number("frames"), c.number("batch"), false, false));
            Tensor h = layer.op.forward(backend.tensor(c.values("x")), c.number("frames"), c.number("batch"), false);
            assertClose("h", c.values("h"), h.read(), Closeness.OUTPUT);
        }
    }

    @Test
    void noGradientOfTheInputIsMadeUnlessAskedFor() {
        Golden.Case c = Golden.load("conv_lstm").named("3x3");
        try (TestBackend backend = TestBackend.fp32(device)) {
            Layer layer = layer(backend, c, new Plan(c.number("frames"), c.number("batch"), true, false));
            layer.op.forward(backend.tensor(c.values("x")), c.number("frames"), c.number("batch"), true);
            assertNull(layer.op.backward(backend.tensor(c.values("dh"))));
            assertClose("dkernel", c.values("dkernel"), layer.kernel.gradient().read(), Closeness.GRADIENT);
        }
    }

    /** Relu's derivative jumps at 0: a gate that depends on zeros only, without a bias, must be exactly 0. */
    @Test
    void whatSeesOnlyZerosIsExactlyZero() {
        int size = 8;
        int filters = 16;
        try (TestBackend backend = TestBackend.fp32(device)) {
            ConvLstmSpec spec = new ConvLstmSpec(size, size, 1, filters, 5, 5, 1, 1, 1, 1, true, Activation.RELU,
                    Activation.SIGMOID);
            ConvLstmOp op = backend.own(backend.get().convLstm(spec, new Plan(2, 1, false, false),
                    new Weights(noise(backend, 25 * 4 * filters), null),
                    new Weights(noise(backend, 25 * filters * 4 * filters), null),
                    backend.weights(new float[4 * filters])));
            float[] x = new float[2 * size * size];
            x[0] = 1;
            float[] h = op.forward(backend.tensor(x), 2, 1, false).read();
            for (int k = 0; k < h.length; k++) {
                int reach = k / (size * size * filters) == 0 ? 2 : 4;
                int row = k / (size * filters) % size;
                int column = k / filters % size;
                if (row > reach || column > reach) {
                    assertEquals(0, h[k], "frame " + reach / 4 + ", row " + row + ", column " + column);
                }
            }
            assertTrue(Closeness.largest(h) > 0.1);
        }
    }

    /** @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first */
    static void compare(TestBackend backend, Golden.Case c, int extra) {
        compare(backend, c, extra, Closeness.OUTPUT, Closeness.GRADIENT);
    }

    /** The same within these tolerances of outputs and of gradients. */
    static void compare(TestBackend backend, Golden.Case c, int extra, double output, double gradient) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        Layer layer = layer(backend, c, new Plan(frames + extra, batch + extra, true, true));
        float[] x = c.values("x");
        float[] dh = c.values("dh");
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            layer.op.forward(noise(backend, x.length / (frames * batch) * images), frames + extra, batch + extra, true);
            layer.op.backward(noise(backend, dh.length / (frames * batch) * images));
        }
        Tensor input = backend.tensor(x);
        assertClose(c + ": h", c.values("h"), layer.op.forward(input, frames, batch, true).read(), output);
        float[] dx = layer.op.backward(backend.tensor(dh)).read();
        assertClose(c + ": dx", c.values("dx"), dx, gradient);
        assertClose(c + ": dkernel", c.values("dkernel"), layer.kernel.gradient().read(), gradient);
        assertClose(c + ": drecurrent_kernel", c.values("drecurrent_kernel"), layer.recurrentKernel.gradient().read(),
                gradient);
        assertClose(c + ": dbias", c.values("dbias"), layer.bias.gradient().read(), gradient);
    }

    private static Tensor noise(TestBackend backend, int size) {
        Random random = new Random(size);
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) random.nextGaussian();
        }
        return backend.tensor(values);
    }

    private static Layer layer(TestBackend backend, Golden.Case c, Plan plan) {
        JsonNode kernel = c.settings().get("kernel_size");
        JsonNode strides = c.settings().get("strides");
        JsonNode dilation = c.settings().get("dilation_rate");
        ConvLstmSpec spec = new ConvLstmSpec(c.number("height"), c.number("width"), c.number("channels"),
                c.number("filters"), kernel.get(0).intValue(), kernel.get(1).intValue(), strides.get(0).intValue(),
                strides.get(1).intValue(), dilation.get(0).intValue(), dilation.get(1).intValue(),
                c.text("padding").equals("same"), Activation.named(c.text("activation")),
                Activation.named(c.text("recurrent_activation")));
        Weights kernels = backend.weights(c.values("kernel"));
        Weights recurrentKernel = backend.weights(c.values("recurrent_kernel"));
        Weights bias = backend.weights(c.values("bias"));
        return new Layer(backend.own(backend.get().convLstm(spec, plan, kernels, recurrentKernel, bias)), kernels,
                recurrentKernel, bias);
    }
}
