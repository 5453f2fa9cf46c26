package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clipping by norm and blending against their definitions in float64; slices begin at any address. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class RecipeOpsTest {

    @Parameter
    TestDevice device;

    private static float[] normal(int size, double scale) {
        Random random = new Random(size);
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    private static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }

    /** Squares of 1e30 are beyond float32, and those of 1e-30 below it. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 1e30, 1e-30})
    void clipsToTheNormAndLeavesSmallerGradientsAlone(double scale) {
        for (int offset = 0; offset < 2; offset++) {
            for (int size : new int[] {1, 7, 1024, 70_001}) {
                try (TestBackend backend = TestBackend.fp32(device)) {
                    float[] values = normal(size, scale);
                    Tensor gradients = backend.tensor(new float[size + offset]).slice(offset, size);
                    double norm = norm(values);
                    ClipOp larger = backend.own(backend.get().clip(gradients, 1.001 * norm));
                    ClipOp smaller = backend.own(backend.get().clip(gradients, norm / 3));
                    gradients.write(values);
                    larger.clip();
                    assertArrayEquals(values, gradients.read());
                    smaller.clip();
                    float[] clipped = gradients.read();
                    float[] expected = new float[size];
                    for (int k = 0; k < size; k++) {
                        expected[k] = (float) (values[k] / 3.0);
                    }
                    // The factor and the product have a rounding error of 2^-24 each, the reference another.
                    assertWithin(size + " gradients", expected, clipped, Math.scalb(4 * scale, -22));
                    assertEquals(norm / 3, norm(clipped), norm * 1e-7);
                }
            }
        }
    }

    /** The training stops with a message where a parameter is not finite. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void whatIsNotFiniteShows(float bad) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            float[] values = normal(100, 1);
            values[70] = bad;
            Tensor gradients = backend.tensor(values);
            backend.own(backend.get().clip(gradients, 1)).clip();
            assertTrue(Float.isNaN(gradients.read()[70]));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 1500})
    void blendsEachRowAtItsRate(int row) {
        float[] rates = {0, 0.25f, 1, 1, 0.001f};
        for (int offset = 0; offset < 2; offset++) {
            try (TestBackend backend = TestBackend.fp32(device)) {
                float[] from = normal(4 * row, 1);
                float[] to = normal(4 * row + 2, 1);
                Tensor y = backend.tensor(new float[4 * row + offset]).slice(offset, 4L * row);
                Tensor x = backend.tensor(to).slice(2 * offset, 4L * row);
                y.write(from);
                BlendOp op = backend.own(backend.get().blend(rates.length));
                op.setRates(rates);
                op.blend(x, y, 1, 4);
                float[] actual = y.read();
                for (int k = 0; k < actual.length; k++) {
                    double rate = rates[1 + k / row];
                    double x1 = to[k + 2 * offset];
                    double expected = rate == 1 ? x1 : from[k] + (x1 - from[k]) * rate;
                    // Two roundings of values below 8; none where a row is selected.
                    assertEquals(expected, actual[k], rate == 1 ? 0 : Math.scalb(1, -20), "row " + k / row);
                }
                op.setRates(new float[rates.length]);
                op.blend(x, y, 0, 4);
                assertArrayEquals(actual, y.read());
            }
        }
    }
}
