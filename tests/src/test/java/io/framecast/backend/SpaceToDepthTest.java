package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Space to depth and its inverse, against the examples in TensorFlow's documentation. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class SpaceToDepthTest {

    @Parameter
    TestDevice device;

    // One image of 4x4 pixels, one channel, in blocks of 2.
    private static final float[] SPACE = {1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16};
    private static final float[] DEPTH = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

    @Test
    void theDocumentedExampleOfOneChannel() {
        assertArrayEquals(DEPTH, forward(new SpaceToDepthSpec(4, 4, 1, 2, false), 1, SPACE));
        assertArrayEquals(SPACE, forward(new SpaceToDepthSpec(4, 4, 1, 2, true), 1, DEPTH));
    }

    @Test
    void channelsOfAPixelStayTogether() {
        // 2x2 pixels of three channels in one block: [[[1,2,3],[4,5,6]],[[7,8,9],[10,11,12]]] becomes 1 to 12.
        float[] pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        assertArrayEquals(pixels, forward(new SpaceToDepthSpec(2, 2, 3, 2, false), 1, pixels));
        // 2x4 pixels of two channels: the second block begins at pixel (0, 2).
        float[] wide = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
        assertArrayEquals(new float[] {1, 2, 3, 4, 9, 10, 11, 12, 5, 6, 7, 8, 13, 14, 15, 16},
                forward(new SpaceToDepthSpec(2, 4, 2, 2, false), 1, wide));
    }

    @Test
    void oneIsTheInverseOfTheOtherAndBackwardOfItself() {
        int images = 2 * 3;
        float[] x = new float[images * 6 * 9 * 2];
        for (int k = 0; k < x.length; k++) {
            x[k] = k;
        }
        try (TestBackend backend = TestBackend.fp32(device)) {
            Plan plan = new Plan(3, 4, true, true);
            Op toDepth = backend.own(backend.get().spaceToDepth(new SpaceToDepthSpec(6, 9, 2, 3, false), plan));
            Op toSpace = backend.own(backend.get().spaceToDepth(new SpaceToDepthSpec(6, 9, 2, 3, true), plan));
            float[] depth = toDepth.forward(backend.tensor(x), 2, 3, true).read();
            assertArrayEquals(x, toSpace.forward(backend.tensor(depth), 2, 3, true).read());
            assertArrayEquals(x, toDepth.backward(backend.tensor(depth)).read());
            assertArrayEquals(depth, toSpace.backward(backend.tensor(x)).read());
        }
    }

    private float[] forward(SpaceToDepthSpec spec, int frames, float[] values) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().spaceToDepth(spec, new Plan(frames, 1, false, false)));
            return op.forward(backend.tensor(values), frames, 1, false).read();
        }
    }
}
