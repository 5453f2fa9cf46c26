package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static io.framecast.golden.Closeness.assertClose;
import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import io.framecast.golden.Closeness;
import io.framecast.tools.check.golden.Golden;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation against PyTorch in float64, and on more shapes against its definition. */
class BatchNormKernelsTest {

    private static final String FILE = "batch_norm.cu";
    private static final String[] OPTIONS = BatchNormOptions.floats().toArray(String[]::new);
    private static final double EPSILON = 1e-3;
    private static final int CONSTANTS = 8;
    /** Processes for statistics over several: most have the very rows of this one, and some have padding. */
    private static final int RANKS = 11;
    private static final Set<Integer> PADDING = Set.of(1, 2, 4, 7, 9);

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    /** A layer on the device, and how its kernels are launched. */
    private final class Layer {
        final int rows;
        final int channels;
        final int parts;
        int perTile = 8;
        /** Whether the statistics are over {@link #RANKS} processes. */
        boolean global;
        final DeviceMemory x;
        final DeviceMemory gamma;
        final DeviceMemory beta;
        final DeviceMemory movingMean;
        final DeviceMemory movingVariance;
        final DeviceMemory y;
        final DeviceMemory partial;
        final DeviceMemory constants;
        final DeviceMemory gammaGradient;
        final DeviceMemory betaGradient;

        Layer(float[] x, int channels, int parts, float[] gamma, float[] beta, float[] mean, float[] variance) {
            this.rows = x.length / channels;
            this.channels = channels;
            this.parts = parts;
            this.x = device.memory(x);
            this.gamma = device.memory(gamma);
            this.beta = device.memory(beta);
            this.movingMean = device.memory(mean);
            this.movingVariance = device.memory(variance);
            this.y = device.unwritten(x.length);
            this.partial = device.unwritten(3 * parts * channels);
            this.constants = device.unwritten(CONSTANTS * channels);
            this.gammaGradient = device.unwritten(channels);
            this.betaGradient = device.unwritten(channels);
        }

        private void wide(String kernel, Object... arguments) {
            int wide = channels % 4 == 0 ? 4 : 1;
            int tiles = (channels / wide + 255) / 256;
            device.kernel(FILE, kernel + wide, OPTIONS).launch(Dim.of(parts, tiles), Dim.of(256), 0, arguments);
        }

        private void narrow(String kernel, Object... arguments) {
            device.kernel(FILE, kernel, OPTIONS).launch(Dim.of(1, (channels + perTile - 1) / perTile), Dim.of(256), 0,
                    arguments);
        }

        private void perChannel(String kernel, Object... arguments) {
            device.kernel(FILE, kernel, OPTIONS).launch(Dim.of((channels + 255) / 256), Dim.of(256), 0, arguments);
        }

        private DeviceMemory gathered(DeviceMemory share) {
            float[] own = read(share);
            float[] all = new float[RANKS * own.length];
            for (int rank = 0; rank < RANKS; rank++) {
                if (!PADDING.contains(rank)) {
                    System.arraycopy(own, 0, all, rank * own.length, own.length);
                }
            }
            return device.memory(all);
        }

        float[] train() {
            wide("batchNormMoments", x, partial, rows, channels);
            if (global) {
                DeviceMemory share = device.unwritten(4 * channels);
                narrow("batchNormShare", x, partial, parts, channels, 1, share);
                perChannel("batchNormGlobalStatistics", gathered(share), RANKS, channels, gamma, beta, (float) EPSILON,
                        (float) (1 - 0.99), movingMean, movingVariance, constants);
            } else {
                narrow("batchNormStatistics", x, partial, parts, rows, channels, gamma, beta, (float) EPSILON,
                        (float) (1 - 0.99), movingMean, movingVariance, constants);
            }
            wide("batchNormNormalise", x, constants, y, rows, channels);
            return read(y);
        }

        float[] infer() {
            perChannel("batchNormMovingStatistics", movingMean, movingVariance, channels, gamma, beta, (float) EPSILON,
                    constants);
            wide("batchNormNormalise", x, constants, y, rows, channels);
            return read(y);
        }

        float[] backward(float[] dy) {
            return backward(dy, 1);
        }

        /** @param counts 0: the rows of this process are padding */
        float[] backward(float[] dy, int counts) {
            DeviceMemory gradient = device.memory(dy);
            wide("batchNormSums", x, gradient, constants, partial, rows, channels);
            if (global) {
                DeviceMemory share = device.unwritten(2 * channels);
                narrow("batchNormShareSums", partial, parts, channels, counts, constants, gammaGradient, betaGradient,
                        share);
                perChannel("batchNormGlobalGradients", gathered(share), RANKS, channels, counts, constants);
            } else {
                narrow("batchNormGradients", partial, parts, rows, channels, constants, gammaGradient, betaGradient);
            }
            wide("batchNormBackward", x, gradient, constants, gradient, rows, channels);
            return read(gradient);
        }
    }

    static List<Golden.Case> cases() {
        return Golden.load("batch_norm").cases();
    }

    private Layer layer(Golden.Case c) {
        return new Layer(c.values("x"), c.number("channels"), 3, c.values("gamma"), c.values("beta"),
                c.values("moving_mean"), c.values("moving_variance"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainingAgreesWithPyTorch(Golden.Case c) {
        Layer layer = layer(c);
        double deviation = c.settings().get("deviation").doubleValue();
        assertWithin(c + ": y", c.values("y_training"), layer.train(), bound(c, deviation * deviation / 2));
        // One rounding error each for the average and for the reference; the added term is a hundredth of the average.
        assertClose(c + ": mean", c.values("new_moving_mean"), read(layer.movingMean), Math.scalb(1, -23));
        assertClose(c + ": variance", c.values("new_moving_variance"), read(layer.movingVariance), Math.scalb(1, -23));
        assertClose(c + ": dx", c.values("dx"), layer.backward(c.values("dy")), Closeness.GRADIENT);
        assertClose(c + ": dgamma", c.values("dgamma"), read(layer.gammaGradient), Closeness.GRADIENT);
        assertClose(c + ": dbeta", c.values("dbeta"), read(layer.betaGradient), Closeness.GRADIENT);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void inferenceAgreesWithPyTorch(Golden.Case c) {
        Layer layer = layer(c);
        double least = Double.MAX_VALUE;
        for (float variance : c.values("moving_variance")) {
            least = Math.min(least, variance);
        }
        assertWithin(c + ": y", c.values("y_inference"), layer.infer(), bound(c, least));
        assertArrayEquals(c.values("moving_mean"), read(layer.movingMean));
    }

    /**
     * For (x - center)*scale + shift: rounding errors of three operations, of scale and shift, and of the reference.
     */
    private static double bound(Golden.Case c, double leastVariance) {
        double scale = Closeness.largest(c.values("gamma")) / Math.sqrt(leastVariance + EPSILON);
        double mean = 0;
        float[] x = c.values("x");
        for (float value : x) {
            mean += value / x.length;
        }
        double distance = 0;
        for (float value : x) {
            distance = Math.max(distance, Math.abs(value - mean));
        }
        for (float value : c.values("moving_mean")) {
            distance = Math.max(distance, Closeness.largest(x) - Math.abs(value));
        }
        return Math.scalb(8 * (2 * distance * scale + Closeness.largest(c.values("beta"))), -24);
    }

    /**
     * Rows and channels for which some threads, blocks and tiles have no work, and {@code perTile} channels in a tile
     * of Statistics and Gradients (8 is the default). y is compared with the definition, and dx with central
     * differences of sum(dy*y) in a random direction, for each channel separately.
     */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 0, 8", "7, 1, 2, 0, 8", "3000, 1, 3, 1000, 8", "515, 4, 5, -30, 8", "2, 1, 4, 0, 8",
        "130, 260, 2, 3, 8", "3, 1028, 2, 0, 8", "9, 301, 3, 5, 8", "64, 96, 2, 0, 8", "3500, 1, 2, 0, 8",
        "240, 129, 230, 0, 8", "2000, 12, 250, 0, 8", "70, 150, 3, 0, 200"})
    void anyShapeAgreesWithTheDefinition(int rows, int channels, int parts, double offset, int perTile) {
        requireDefinition(rows, channels, parts, offset, perTile, false);
        // The rows of all processes have the statistics of this one's.
        requireDefinition(rows, channels, parts, offset, perTile, true);
    }

    private void requireDefinition(int rows, int channels, int parts, double offset, int perTile, boolean global) {
        Random random = new Random(rows);
        float[] x = normals(random, rows * channels, 1, offset);
        // The sums over rows of dy and of dy*(x - mean) do not cancel.
        float[] dy = normals(random, rows * channels, 1, 1);
        for (int i = 0; i < dy.length; i++) {
            dy[i] = (float) (dy[i] + 2 * (x[i] - offset));
        }
        float[] direction = normals(random, rows * channels, 1, 0);
        float[] gamma = normals(random, channels, 0.2, 1);
        float[] beta = normals(random, channels, 1, 0);
        Layer layer = new Layer(x, channels, parts, gamma, beta, new float[channels], new float[channels]);
        layer.perTile = perTile;
        layer.global = global;
        float[] y = layer.train();
        float[] movingMean = read(layer.movingMean);
        float[] movingVariance = read(layer.movingVariance);
        float[] dx = layer.backward(dy);
        float[] dgamma = read(layer.gammaGradient);
        float[] dbeta = read(layer.betaGradient);
        for (int k = 0; k < channels; k++) {
            double[] column = column(x, channels, k);
            double[] gradient = column(dy, channels, k);
            double mean = Arrays.stream(column).average().orElseThrow();
            double variance = Arrays.stream(column).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
            assertEquals(0.01 * mean, movingMean[k], 1e-8 * (1 + Math.abs(offset)), "moving mean");
            assertEquals(0.01 * variance, movingVariance[k], 1e-8 * (1 + variance), "moving variance");
            double[] normalised = normalise(column);
            double[] along = column(direction, channels, k);
            double h = 1e-4;
            double[] more = new double[rows];
            double[] less = new double[rows];
            double expectedGamma = 0;
            double expectedBeta = 0;
            double size = 0;
            for (int r = 0; r < rows; r++) {
                // At most 4 deviations from the mean, with some rounding errors of 2^-24.
                assertEquals(normalised[r] * gamma[k] + beta[k], y[r * channels + k], 4e-6, "y");
                expectedGamma += gradient[r] * normalised[r];
                expectedBeta += gradient[r];
                size += Math.abs(gradient[r]) * (1 + Math.abs(normalised[r]));
                more[r] = column[r] + h * along[r];
                less[r] = column[r] - h * along[r];
            }
            assertEquals(expectedGamma, dgamma[k], 1e-6 * size, "dgamma");
            assertEquals(expectedBeta, dbeta[k], 1e-6 * size, "dbeta");
            double[] normalisedMore = normalise(more);
            double[] normalisedLess = normalise(less);
            double slope = 0;
            double change = 0;
            double scale = 0;
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += dx[r * channels + k];
                slope += dx[r * channels + k] * along[r];
                change += gamma[k] * gradient[r] * (normalisedMore[r] - normalisedLess[r]) / (2 * h);
                scale += Math.abs(gradient[r] * along[r]) * gamma[k] / Math.sqrt(variance + EPSILON);
            }
            // The error of central differences is h^2 times the third derivative, here about (h/deviation)^2.
            double third = h * h / (variance + EPSILON);
            assertEquals(change, slope, (1e-5 + 10 * third) * scale, "dx of channel " + k);
            // Shifting all rows by the same amount changes nothing.
            assertEquals(0, sum, 2e-6 * size * gamma[k] / Math.sqrt(variance + EPSILON), "sum of dx");
        }
    }

    /** No statistics depend on padding: of its gradient, zeros, the input's gradient is zeros. */
    @Test
    void paddingHasNoGradient() {
        Layer layer = new Layer(normals(new Random(1), 60, 1, 2), 5, 2, new float[] {1, 2, 3, 4, 5}, new float[5],
                new float[5], new float[5]);
        layer.global = true;
        layer.train();
        assertArrayEquals(new float[60], layer.backward(new float[60], 0));
    }

    private static float[] normals(Random random, int n, double deviation, double mean) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (mean + deviation * random.nextGaussian());
        }
        return values;
    }

    private static double[] column(float[] matrix, int columns, int k) {
        double[] column = new double[matrix.length / columns];
        for (int r = 0; r < column.length; r++) {
            column[r] = matrix[r * columns + k];
        }
        return column;
    }

    private static double[] normalise(double[] column) {
        double mean = Arrays.stream(column).average().orElseThrow();
        double variance = Arrays.stream(column).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
        return Arrays.stream(column).map(v -> (v - mean) / Math.sqrt(variance + EPSILON)).toArray();
    }

    /**
     * The first row is the origin of the moments. If it is 63 deviations from the mean, values and mean are rounded to
     * 63 * 2^-24 = 4e-6 deviations. The formula mean(x^2) - mean(x)^2 would lose 63 times as much.
     */
    @Test
    void anOutlierInTheFirstRowCostsFewDigits() {
        Random random = new Random(1);
        float[] x = normals(random, 4000, 1, 0);
        x[0] = 1e4f;
        double[] column = column(x, 1, 0);
        Layer layer = new Layer(x, 1, 2, new float[] {1}, new float[1], new float[1], new float[1]);
        float[] y = layer.train();
        double[] expected = normalise(column);
        for (int r = 0; r < x.length; r++) {
            assertEquals(expected[r], y[r], 1e-5 * Math.max(1, Math.abs(expected[r])));
        }
    }

    /** All in full sectors. Only the first row and the constants are read again, by each thread. */
    @Test
    void movesEachElementOnceAndUsesNoBankTwice() {
        int n = 2048 * 64;
        Layer layer = new Layer(normals(new Random(1), n, 1, 0), 64, 4, new float[64], new float[64], new float[64],
                new float[64]);
        layer.train();
        layer.backward(new float[n]);
        int matrix = n * 4 / 32;
        Map.of("Moments", 1, "Normalise", 2, "Sums", 2, "Backward", 3).forEach((kernel, times) -> {
            KernelCounters counters = KernelCounters.of(device, "batchNorm" + kernel + 4);
            assertEquals(times * matrix, counters.sectors(), 0.05 * matrix * times, kernel);
            assertEquals(0, counters.conflicts(), kernel);
        });
    }
}
