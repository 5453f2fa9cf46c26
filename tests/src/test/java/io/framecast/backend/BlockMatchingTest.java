package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenBlockMatching;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Block matching against its definition in float64 PyTorch, over whole sequences and from a carried frame. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class BlockMatchingTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("block_matching").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAgreeAndThereIsNoGradient(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenBlockMatching.compare(backend, c));
        }
    }

    /** Bit for bit: each frame is computed in the same way. */
    @ParameterizedTest
    @MethodSource("cases")
    void stepsContinueFromTheCommittedFrame(Golden.Case c) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        float[] x = c.values("x");
        int size = x.length / frames;
        try (TestBackend backend = TestBackend.fp32(device)) {
            ConvLstmOp op = backend.own(backend.get().blockMatching(GoldenBlockMatching.spec(c),
                    Plan.inference(frames, batch, 1)));
            Tensor input = backend.tensor(x);
            float[] y = op.forward(input, frames, batch, false).read();
            int out = y.length / frames;
            for (int run = 0; run < 2; run++) {
                op.begin();
                // One of two frames is committed, the other comes again.
                for (int t = 0; t < frames; t++) {
                    int count = Math.min(2, frames - t);
                    Tensor tail = input.slice((long) t * size, (long) count * size);
                    float[] expected = Arrays.copyOfRange(y, t * out, (t + count) * out);
                    assertArrayEquals(expected, op.step(tail, count, batch, 0).read());
                    assertArrayEquals(expected, op.step(tail, count, batch, 1).read());
                }
                op.begin();
                op.step(input, frames, batch, frames);
                // The carried frame is a copy of the last; the first frame again is compared with it.
                float[] again = new float[2 * size];
                System.arraycopy(x, (frames - 1) * size, again, 0, size);
                System.arraycopy(x, 0, again, size, size);
                Tensor both = backend.tensor(again);
                float[] of = op.forward(both, 2, batch, false).read();
                assertArrayEquals(Arrays.copyOfRange(of, out, 2 * out),
                        op.step(both.slice(size, size), 1, batch, 1).read());
            }
        }
    }

    /** Without motion in a frame that differs everywhere, the displacement is 0 and the error too. */
    @Test
    void theFirstFrameHasNotMoved() {
        BlockMatchingSpec spec = new BlockMatchingSpec(8, 8, 1, 4, 3, 1);
        float[] x = new float[64];
        for (int k = 0; k < 64; k++) {
            x[k] = (37 * k) % 64;
        }
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().blockMatching(spec, Plan.inference(2, 1, 1)));
            assertArrayEquals(new float[12], op.forward(backend.tensor(x), 1, 1, false).read(), 1e-6f);
        }
    }

    /** Content that moved down by 2 and left by 1 came from (-2, 1). */
    @Test
    void theDisplacementSaysWhereTheContentCameFrom() {
        float[] x = new float[2 * 12 * 12];
        for (int row = 3; row < 8; row++) {
            for (int column = 4; column < 9; column++) {
                float value = 5 + 3 * ((7 * row + 5 * column) % 11);
                x[row * 12 + column] = value;
                x[144 + (row + 2) * 12 + column - 1] = value;
            }
        }
        BlockMatchingSpec spec = new BlockMatchingSpec(12, 12, 1, 4, 3, 1);
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().blockMatching(spec, Plan.inference(2, 1, 1)));
            float[] y = op.forward(backend.tensor(x), 2, 1, false).read();
            int middle = (9 + 4) * 3;
            assertArrayEquals(new float[] {-2, 1, 0}, Arrays.copyOfRange(y, middle, middle + 3), 1e-6f);
        }
    }
}
