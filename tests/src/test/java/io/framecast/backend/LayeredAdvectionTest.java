package io.framecast.backend;

import static io.framecast.golden.Closeness.assertClose;
import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.golden.Closeness;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenLayeredAdvection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Moving layers against PyTorch in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class LayeredAdvectionTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("layered_advection").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAndAllGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenLayeredAdvection.compare(backend, c, 0, List.of(true, true, true, true)));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlanForMoreFramesAndVideosServesFewer(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenLayeredAdvection.compare(backend, c, 2, List.of(true, true, true, true)));
        }
    }

    @Test
    void onlyTheGradientsThatAreAskedForAreMade() {
        Golden.Case c = Golden.load("layered_advection").named("colour");
        for (List<Boolean> wanted : List.of(List.of(false, true, false, true), List.of(true, false, true, false))) {
            try (TestBackend backend = TestBackend.fp32(device)) {
                assertWithin(GoldenLayeredAdvection.compare(backend, c, 0, wanted));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void stepsFromTheCarriedStateMakeTheSameFrames(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = c.number("frames");
            int batch = c.number("batch");
            MultiInputOp op = GoldenLayeredAdvection.op(backend, c,
                    Plan.inference(3, batch + 1, GoldenLayeredAdvection.INPUTS.size()));
            float[] y = c.values("y");
            int size = y.length / frames;
            List<Tensor> inputs = GoldenLayeredAdvection.inputs(backend, c);
            for (int video = 0; video < 2; video++) {
                op.begin();
                for (int t = 0; t < frames; t++) {
                    // A step over several frames that commits none must leave the state unchanged.
                    int ahead = Math.min(3, frames - t);
                    Tensor seen = op.step(slices(inputs, frames, t, ahead), ahead, batch, 0);
                    assertClose(c + ", ahead from " + t, Arrays.copyOfRange(y, t * size, (t + ahead) * size),
                            seen.read(), Closeness.OUTPUT);
                    Tensor next = op.step(slices(inputs, frames, t, 1), 1, batch, 1);
                    assertClose(c + ", frame " + t, Arrays.copyOfRange(y, t * size, (t + 1) * size), next.read(),
                            Closeness.OUTPUT);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aStepCommitsTheFirstOfItsFrames(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = c.number("frames");
            int batch = c.number("batch");
            MultiInputOp op = GoldenLayeredAdvection.op(backend, c,
                    Plan.inference(3, batch, GoldenLayeredAdvection.INPUTS.size()));
            float[] y = c.values("y");
            int size = y.length / frames;
            List<Tensor> inputs = GoldenLayeredAdvection.inputs(backend, c);
            op.begin();
            op.step(slices(inputs, frames, 0, 3), 3, batch, 2);
            assertClose(c + ", frame 2", Arrays.copyOfRange(y, 2 * size, 3 * size),
                    op.step(slices(inputs, frames, 2, 1), 1, batch, 1).read(), Closeness.OUTPUT);
        }
    }

    @Test
    void inferenceOverTheWholeSequenceAgreesToo() {
        Golden.Case c = Golden.load("layered_advection").named("grey");
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = GoldenLayeredAdvection.op(backend, c,
                    Plan.inference(c.number("frames"), c.number("batch"), GoldenLayeredAdvection.INPUTS.size()));
            assertClose("y", c.values("y"), op.forward(GoldenLayeredAdvection.inputs(backend, c), c.number("frames"),
                    c.number("batch"),
                    false).read(), Closeness.OUTPUT);
        }
    }

    /** Threads share the videos, or where these cannot be divided the rows of each frame. */
    @Test
    void theNumberOfThreadsChangesNoBit() {
        LayeredAdvectionSpec spec = new LayeredAdvectionSpec(12, 20, 1, 4, 2, 3, 2, 0.5f);
        int images = 3 * 2;
        List<List<float[]>> results = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3}) {
            try (TestBackend backend = TestBackend.fp32(threads)) {
                MultiInputOp op = backend.own(backend.get().layeredAdvection(spec,
                        new Plan(3, 2, true, List.of(true, true, true, true))));
                Random random = new Random(7);
                List<float[]> result = new ArrayList<>();
                result.add(op.forward(spec.inputSizes().stream()
                        .map(size -> noise(backend, random, images * Math.toIntExact(size))).toList(), 3, 2, true)
                        .read());
                op.backward(noise(backend, random, images * 12 * 20)).forEach(dx -> result.add(dx.read()));
                results.add(result);
            }
        }
        for (int k = 0; k < results.get(0).size(); k++) {
            assertArrayEquals(results.get(0).get(k), results.get(1).get(k));
            assertArrayEquals(results.get(0).get(k), results.get(2).get(k));
        }
    }

    /** Its own output as the next frame corrects nothing, so that the gates, whatever they are, change no bit. */
    @Test
    void aForecastMovesItsLayersUndisturbed() {
        LayeredAdvectionSpec spec = new LayeredAdvectionSpec(8, 12, 3, 2, 2, 3, 3, 0.5f);
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = backend.own(backend.get().layeredAdvection(spec, Plan.inference(1, 2, 4)));
            Random random = new Random(3);
            List<List<Tensor>> inputs = Stream.generate(() -> spec.inputSizes().stream()
                    .map(size -> noise(backend, random, 2 * Math.toIntExact(size))).toList()).limit(3).toList();
            float[][] last = new float[2][];
            for (int run = 0; run < 2; run++) {
                op.begin();
                Tensor y = op.step(inputs.get(0), 1, 2, 1);
                for (List<Tensor> frame : inputs) {
                    Tensor gates = run == 0 ? frame.get(1) : noise(backend, random, 2 * 8 * 12 * 4);
                    Tensor x = backend.tensor(y.read());
                    y = op.step(List.of(x, gates, frame.get(2), frame.get(3)), 1, 2, 1);
                }
                last[run] = y.read();
            }
            assertArrayEquals(last[0], last[1]);
        }
    }

    /** With a large precision a filter is a shift by the flow, and the frame moves as it is. */
    @Test
    void layersFollowTheFlow() {
        LayeredAdvectionSpec spec = new LayeredAdvectionSpec(4, 6, 1, 2, 2, 1, 2, 100);
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = backend.own(backend.get().layeredAdvection(spec, Plan.inference(1, 1, 4)));
            float[] x = new float[24];
            float[] moved = new float[24];
            for (int row = 0; row < 4; row++) {
                for (int column = 0; column < 6; column++) {
                    x[row * 6 + column] = (1 + row * 6 + column) / 32f;
                    int from = (row - 1) * 6 + column + 2;
                    moved[row * 6 + column] = row < 1 || column > 3 ? 0 : (1 + from) / 32f;
                }
            }
            float[] gates = new float[48];
            for (int pixel = 0; pixel < 24; pixel++) {
                gates[2 * pixel] = 80;
            }
            float[] flow = new float[12];
            for (int patch = 0; patch < 6; patch++) {
                flow[2 * patch] = -1;
                flow[2 * patch + 1] = 2;
            }
            assertClose("moved", moved, op.forward(List.of(backend.tensor(x), backend.tensor(gates),
                    backend.tensor(new float[60]), backend.tensor(flow)), 1, 1, false).read(), Closeness.OUTPUT);
        }
    }

    /** @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first */
    private static List<Tensor> slices(List<Tensor> inputs, int frames, int first, int count) {
        return inputs.stream().map(x -> x.slice(x.size() / frames * first, x.size() / frames * count)).toList();
    }

    private static Tensor noise(TestBackend backend, Random random, int size) {
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) random.nextGaussian();
        }
        return backend.tensor(values);
    }
}
