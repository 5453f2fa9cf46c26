package io.framecast.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Initial values against their definitions. */
class InitializerTest {

    @Test
    void glorotIsUniformUpToTheLimitOfBothFans() {
        // A receptive field of 3*5, 20 channels in, 80 out.
        float[] values = Initializer.GLOROT_UNIFORM.values(new int[] {3, 5, 20, 80}, new Random(1));
        double limit = Math.sqrt(6.0 / (15 * (20 + 80)));
        Arrays.sort(values);
        assertTrue(values[0] >= -limit && values[values.length - 1] <= limit);
        // The Kolmogorov-Smirnov distance from the uniform distribution: above 1.95/sqrt(n) for one seed in a thousand.
        double distance = 0;
        for (int k = 0; k < values.length; k++) {
            distance = Math.max(distance, Math.abs((k + 0.5) / values.length - (values[k] / limit + 1) / 2));
        }
        assertTrue(distance < 1.95 / Math.sqrt(values.length), "distance " + distance);
    }

    @Test
    void glorotCountsTheFramesOfAConv3d() {
        float[] values = Initializer.GLOROT_UNIFORM.values(new int[] {2, 3, 3, 64, 64}, new Random(2));
        double limit = Math.sqrt(6.0 / (18 * 128));
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        // The largest of n uniform values is below the limit by about 1/n of it.
        assertTrue(largest <= limit && largest > limit * (1 - 10.0 / values.length), largest + " of " + limit);
    }

    @ParameterizedTest
    @CsvSource({"3, 3, 8, 32", "5, 5, 4, 16", "1, 1, 8, 32", "1, 1, 1, 4"})
    void orthogonalMatricesAreOrthogonal(int height, int width, int channels, int columns) {
        float[] q = Initializer.ORTHOGONAL.values(new int[] {height, width, channels, columns}, new Random(3));
        int rows = height * width * channels;
        boolean tall = rows >= columns;
        int vectors = tall ? columns : rows;
        int length = tall ? rows : columns;
        for (int a = 0; a < vectors; a++) {
            for (int b = 0; b < vectors; b++) {
                double dot = 0;
                for (int k = 0; k < length; k++) {
                    dot += tall ? (double) q[k * columns + a] * q[k * columns + b]
                            : (double) q[a * columns + k] * q[b * columns + k];
                }
                // Rounding to float32 changes the products of unit vectors by up to 2^-23.
                assertEquals(a == b ? 1 : 0, dot, 1e-6);
            }
        }
    }

    @Test
    void orthogonalMatricesAreSpreadOverBothSigns() {
        // Without the correction by the signs of R's diagonal, the first entries of a QR decomposition all have the
        // same sign.
        Random random = new Random(4);
        int positive = 0;
        for (int k = 0; k < 100; k++) {
            positive += Initializer.ORTHOGONAL.values(new int[] {4, 4}, random)[0] > 0 ? 1 : 0;
        }
        assertTrue(positive > 30 && positive < 70, positive + " of 100 are positive");
    }

    @Test
    void onlyTheForgetGateHasABias() {
        assertArrayEquals(new float[] {0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0},
                Initializer.FORGET_BIAS.values(new int[] {12}, new Random(1)));
    }

    @Test
    void aModelStartsFromKerasInitialValuesAndItsSeed() {
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 6, "width": 6, "channels": 1}, "layers": [
                    {"type": "ConvLSTM2D", "filters": 2, "kernel_size": 3, "padding": "same"},
                    {"type": "BatchNormalization"},
                    {"type": "Conv3D", "filters": 1, "kernel_size": 3}]}""", "the test");
        Map<String, HostTensor> initial = Parameters.initial(model, 7);
        assertArrayEquals(new float[] {0, 0, 1, 1, 0, 0, 0, 0}, initial.get("layers.0.bias").values());
        assertArrayEquals(new int[] {3, 3, 2, 8}, initial.get("layers.0.recurrent_kernel").shape());
        assertArrayEquals(new float[] {1, 1}, initial.get("layers.1.gamma").values());
        assertArrayEquals(new float[] {0, 0}, initial.get("layers.1.beta").values());
        assertArrayEquals(new float[] {0, 0}, initial.get("layers.1.moving_mean").values());
        assertArrayEquals(new float[] {1, 1}, initial.get("layers.1.moving_variance").values());
        assertArrayEquals(new float[] {0}, initial.get("layers.2.bias").values());
        Map<String, HostTensor> again = Parameters.initial(model, 7);
        initial.forEach((name, value) -> assertArrayEquals(value.values(), again.get(name).values()));
        assertFalse(Arrays.equals(initial.get("layers.0.kernel").values(),
                Parameters.initial(model, 8).get("layers.0.kernel").values()));
    }
}
