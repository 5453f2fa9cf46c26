package io.framecast.backend;

import static io.framecast.golden.Closeness.assertClose;
import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.golden.Closeness;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenConvLstm;
import io.framecast.tools.check.golden.Tolerance;
import java.util.Arrays;
import java.util.List;
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

    static List<Golden.Case> cases() {
        return Golden.load("conv_lstm").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAndAllGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenConvLstm.compare(backend, c, 0, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlanForMoreFramesAndVideosServesFewer(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenConvLstm.compare(backend, c, 2, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void stepsFromTheCarriedStateMakeTheSameFrames(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = c.number("frames");
            int batch = c.number("batch");
            GoldenConvLstm layer = GoldenConvLstm.of(backend, c, new Plan(3, batch + 1, false, false));
            float[] x = c.values("x");
            float[] h = c.values("h");
            Tensor input = backend.tensor(x);
            long frame = x.length / frames;
            int size = h.length / frames;
            for (int video = 0; video < 2; video++) {
                layer.op().begin();
                for (int t = 0; t < frames; t++) {
                    // A step over several frames that commits none must leave the state unchanged.
                    int ahead = Math.min(3, frames - t);
                    Tensor seen = layer.op().step(input.slice(t * frame, ahead * frame), ahead, batch, 0);
                    assertClose(c + ", ahead from " + t, Arrays.copyOfRange(h, t * size, (t + ahead) * size),
                            seen.read(), Closeness.OUTPUT);
                    Tensor next = layer.op().step(input.slice(t * frame, frame), 1, batch, 1);
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
            GoldenConvLstm layer = GoldenConvLstm.of(backend, c,
                    new Plan(c.number("frames"), c.number("batch"), false, false));
            Tensor h = layer.op().forward(backend.tensor(c.values("x")), c.number("frames"), c.number("batch"), false);
            assertClose("h", c.values("h"), h.read(), Closeness.OUTPUT);
        }
    }

    @Test
    void noGradientOfTheInputIsMadeUnlessAskedFor() {
        Golden.Case c = Golden.load("conv_lstm").named("3x3");
        try (TestBackend backend = TestBackend.fp32(device)) {
            GoldenConvLstm layer = GoldenConvLstm.of(backend, c,
                    new Plan(c.number("frames"), c.number("batch"), true, false));
            layer.op().forward(backend.tensor(c.values("x")), c.number("frames"), c.number("batch"), true);
            assertNull(layer.op().backward(backend.tensor(c.values("dh"))));
            assertClose("dkernel", c.values("dkernel"), layer.kernel().gradient().read(), Closeness.GRADIENT);
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
                    new Weights(backend.noise(25 * 4 * filters), null),
                    new Weights(backend.noise(25 * filters * 4 * filters), null),
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
}
