package io.framecast.backend.cuda.launch;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Loss;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.tools.check.golden.Golden;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sums for gradients, tested with small integers, which float32 adds exactly in any order, so results must be equal.
 * Losses and their gradients are tested against PyTorch in float64.
 */
class SumKernelsTest {

    /** Each term and each gradient has a few rounding errors of 2^-24. Four terms are added in float. */
    private static final double LOSS = 1e-6;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private float[] integers(int n) {
        Random random = new Random(n);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = random.nextInt(19) - 9;
        }
        return values;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1000, 1, 3", "77, 3, 2", "300, 12, 2", "5, 40, 8", "40, 257, 3", "33, 1032, 2",
        "700, 256, 4", "3500, 1, 2", "100, 5, 9"})
    void addsColumns(int rows, int columns, int parts) {
        float[] x = integers(rows * columns);
        float[] expected = new float[columns];
        for (int i = 0; i < x.length; i++) {
            expected[i % columns] += x[i];
        }
        int wide = columns % 4 == 0 ? 4 : 1;
        DeviceMemory partial = device.unwritten(parts * columns);
        device.kernel("reduce.cu", "columnSums" + wide).launch(Dim.of(parts, (columns / wide + 255) / 256), Dim.of(256),
                0, device.memory(x), partial, rows, columns);
        DeviceMemory sums = device.memory(new float[columns + 1]);
        // A parameter's gradient may have any offset in the common buffer.
        device.kernel("reduce.cu", "sumSplits").launch(Dim.of((columns + 255) / 256), Dim.of(256), 0, partial,
                sums.view(4, 4L * columns), parts, (long) columns);
        assertArrayEquals(expected, read(sums.view(4, 4L * columns)));
        if (wide == 4) {
            assertEquals(0, KernelCounters.of(device, "columnSums4").conflicts());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 5, 7", "9, 3, 4", "25, 16, 2", "2, 3, 9"})
    void addsSplitsOfGatesIntoBlocks(int rows, int filters, int splits) {
        int size = rows * filters * 4;
        float[] x = integers(splits * size);
        float[] expected = new float[size];
        for (int i = 0; i < x.length; i++) {
            int gate = i % 4;
            int unit = i / 4 % filters;
            int row = i % size / 4 / filters;
            expected[(row * 4 + gate) * filters + unit] += x[i];
        }
        DeviceMemory y = device.memory(new float[size + 1]);
        device.kernel("reduce.cu", "sumGateSplits").launch(Dim.of((size / 4 + 255) / 256), Dim.of(256), 0,
                device.memory(x), y.view(4, 4L * size), splits, (long) rows * filters, filters);
        assertArrayEquals(expected, read(y.view(4, 4L * size)));
    }

    /** Adding 1 to 2^24 loses the 1, but adding 2^24 last does not: the result shows the order of the sum. */
    @Test
    void addsSplitsInTheirOrder() {
        float large = 1 << 24;
        DeviceMemory y = device.unwritten(2);
        device.kernel("reduce.cu", "sumSplits").launch(Dim.of(1), Dim.of(256), 0,
                device.memory(1, large, 1, 1, large, 1), y, 3, 2L);
        assertArrayEquals(new float[] {large + 2, large}, read(y));
    }

    /** Squares of small integers, which are added exactly, with fewer threads than float4 values. */
    @ParameterizedTest
    @CsvSource({"0, 5000, 2", "1, 5000, 2", "0, 9003, 1", "3, 40, 300"})
    void clipsByTheNorm(int from, int n, int blocks) {
        float[] values = integers(n);
        double norm = 0;
        for (float value : values) {
            norm += value * value;
        }
        norm = Math.sqrt(norm);
        DeviceMemory g = device.unwritten(n + from).view(4L * from, 4L * n);
        DeviceMemory sums = device.unwritten(2 * blocks);
        g.write(0, values, 0, n);
        device.kernel("clip.cu", "sumSquares").launch(Dim.of(blocks), Dim.of(256), 0, g, sums, (long) n);
        for (double times : new double[] {2, 0.5}) {
            device.kernel("clip.cu", "clipByNorm").launch(Dim.of(blocks), Dim.of(256), 0, g, sums, (long) n,
                    (float) (times * norm));
            float[] clipped = read(g);
            for (int i = 0; i < n; i++) {
                // Two roundings, of the norm and of the product.
                assertEquals(Math.min(1, times) * values[i], clipped[i], times > 1 ? 0 : Math.scalb(9, -23), "at " + i);
            }
        }
    }

    static List<Golden.Case> losses() {
        return Golden.load("losses").cases();
    }

    private static String kernel(Loss loss) {
        return switch (loss) {
            case BINARY_CROSSENTROPY_FROM_LOGITS -> "binaryCrossentropyFromLogits";
            case BINARY_CROSSENTROPY -> "binaryCrossentropy";
            case MEAN_SQUARED_ERROR -> "meanSquaredError";
        };
    }

    /** The mean loss. Elements begin at offset {@code from}; the gradient is written to {@code gradient}. */
    private float loss(Loss loss, float[] outputs, float[] targets, int from, DeviceMemory gradient) {
        return loss(loss, outputs, targets, from, gradient, 3);
    }

    private float loss(Loss loss, float[] outputs, float[] targets, int from, DeviceMemory gradient, int blocks) {
        int n = outputs.length;
        DeviceMemory y = device.unwritten(n + from).view(4L * from, 4L * n);
        DeviceMemory t = device.unwritten(n + from).view(4L * from, 4L * n);
        y.write(0, outputs, 0, n);
        t.write(0, targets, 0, n);
        DeviceMemory sums = device.unwritten(2 * blocks);
        DeviceMemory mean = device.unwritten(1);
        device.kernel("loss.cu", kernel(loss)).launch(Dim.of(blocks), Dim.of(256), 0, y, t, gradient, sums, (long) n,
                (float) (1.0 / n));
        device.kernel("loss.cu", "lossMean").launch(Dim.of(1), Dim.of(256), 0, sums, blocks, (long) n, mean);
        return read(mean)[0];
    }

    @ParameterizedTest
    @MethodSource("losses")
    void lossesAgreeWithPyTorch(Golden.Case c) {
        Loss loss = Loss.valueOf(c.text("loss").toUpperCase(Locale.ROOT));
        float[] outputs = c.values("outputs");
        float[] targets = c.values("targets");
        double expected = c.settings().get("value").doubleValue();
        for (int from = 0; from < 2; from++) {
            DeviceMemory gradient = device.unwritten(outputs.length);
            assertEquals(expected, loss(loss, outputs, targets, from, gradient), LOSS * expected);
            assertClose(c + ": gradient", c.values("gradient"), read(gradient), LOSS);
            assertEquals(expected, loss(loss, outputs, targets, from, null), LOSS * expected);
        }
    }

    /**
     * Eleven thousand terms: each thread sums several float4 values, and three values are left; or several scalar
     * values, if not all arrays are aligned to 16 bytes.
     */
    @ParameterizedTest
    @EnumSource
    void longSumsKeepTheirDigits(Loss loss) {
        Random random = new Random(1);
        int n = 11_003;
        float[] y = new float[n];
        float[] t = new float[n];
        float[] slopes = new float[n];
        double sum = 0;
        for (int i = 0; i < n; i++) {
            y[i] = random.nextFloat();
            t[i] = random.nextFloat();
            double p = loss == Loss.BINARY_CROSSENTROPY_FROM_LOGITS ? 1 / (1 + Math.exp(-y[i])) : y[i];
            double d = p - t[i];
            sum += loss == Loss.MEAN_SQUARED_ERROR ? d * d : -t[i] * Math.log(p) - (1.0 - t[i]) * Math.log1p(-p);
            slopes[i] = (float) (switch (loss) {
                case BINARY_CROSSENTROPY_FROM_LOGITS -> d;
                case BINARY_CROSSENTROPY -> d / (p * (1 - p));
                case MEAN_SQUARED_ERROR -> 2 * d;
            } / n);
        }
        for (int from = 0; from < 2; from++) {
            for (int blocks : new int[] {1, 3, 5}) {
                DeviceMemory gradient = device.unwritten(n);
                assertEquals(sum / n, loss(loss, y, t, from, gradient, blocks), 1e-6 * sum / n);
                assertClose("gradient", slopes, read(gradient), LOSS);
                assertEquals(sum / n, loss(loss, y, t, from, null, blocks), 1e-6 * sum / n);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 2400})
    void addsTheSumsOfMoreBlocksThanThreads(int blocks) {
        float[] halves = new float[2 * blocks];         // doubles
        double sum = 0;
        for (int k = 0; k < blocks; k++) {
            sum += k % 7;
            long bits = Double.doubleToLongBits(k % 7);
            halves[2 * k] = Float.intBitsToFloat((int) bits);
            halves[2 * k + 1] = Float.intBitsToFloat((int) (bits >>> 32));
        }
        DeviceMemory mean = device.unwritten(1);
        device.kernel("loss.cu", "lossMean").launch(Dim.of(1), Dim.of(256), 0, device.memory(halves), blocks, 1000L,
                mean);
        assertEquals((float) (sum / 1000), read(mean)[0]);
    }

    /** In float, 2^26 + 4 is 2^26: what a thread adds after its first float4 would be lost. */
    @Test
    void aLargeTermDoesNotSwallowSmallOnes() {
        int n = 3 * 256 * 4 * 64;
        float[] outputs = new float[n];
        Arrays.fill(outputs, 1);
        outputs[0] = 1 << 13;
        double expected = ((1 << 26) + n - 1.0) / n;
        assertEquals(expected, loss(Loss.MEAN_SQUARED_ERROR, outputs, new float[n], 0, null), 2e-7 * expected);
    }

    @Test
    void smallLossesKeepTheirOwnDigits() {
        double small = Math.log1p(Math.exp(-12));
        float fromLogits = loss(Loss.BINARY_CROSSENTROPY_FROM_LOGITS, new float[] {-12}, new float[1], 0, null);
        assertEquals(small, fromLogits, LOSS * small);
        small = -Math.log1p(-3e-4f);
        float fromProbabilities = loss(Loss.BINARY_CROSSENTROPY, new float[] {3e-4f}, new float[1], 0, null);
        assertEquals(small, fromProbabilities, LOSS * small);
    }

    /** At each position of a float4, and in each of the seven iterations of a thread without float4. */
    @ParameterizedTest
    @EnumSource
    void aNaNAmongTheOutputsShows(Loss loss) {
        int n = 2000;
        for (int at = 210; at < n; at += 257) {
            float[] outputs = new float[n];
            outputs[at] = Float.NaN;
            for (int from = 0; from < 2; from++) {
                assertEquals(Float.NaN, loss(loss, outputs, new float[n], from, device.unwritten(n), 1));
                assertEquals(Float.NaN, loss(loss, outputs, new float[n], from, null, 1));
            }
        }
    }
}
