package io.framecast.backend.cuda.launch;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.tools.check.golden.Golden;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Activations, sums, layout changes and Adam, against their definitions in float64. */
class PointwiseKernelsTest {

    /** An exponential, a division and two sums, each with an error of one or two units in the last place. */
    private static final double ROUNDINGS = Math.scalb(1, -21);

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    /** Two blocks with fewer threads than float4 values: threads loop, and there is a scalar tail. */
    @ParameterizedTest
    @EnumSource
    void activates(Activation activation) {
        float[] x = new float[5003];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (3 * random.nextGaussian());
        }
        float[] special = {0, -0f, 1e-6f, -1e-6f, 20, -20, 200, -200, -2.9f, 2.9f};
        System.arraycopy(special, 0, x, 1000, special.length);
        CudaKernel kernel = device.kernel("activations.cu", "activateForward");
        // The second time the arrays are not aligned to 16 bytes.
        for (int from = 0; from < 2; from++) {
            DeviceMemory values = device.unwritten(x.length + from).view(4L * from, 4L * x.length);
            values.write(0, x, 0, x.length);
            kernel.launch(Dim.of(2), Dim.of(256), 0, values, (long) x.length, activation.ordinal());
            float[] y = read(values);
            for (int i = 0; i < x.length; i++) {
                double expected = Activations.activate(activation, x[i]);
                // At the lower end of a hard sigmoid the terms cancel, and the rounding error of 1/2 remains.
                double left = activation.keras().startsWith("hard") ? Math.scalb(1, -24) : 0;
                assertEquals(expected, y[i], ROUNDINGS * Math.abs(expected) + left + Float.MIN_NORMAL, "of " + x[i]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void passesNaNThrough(Activation activation) {
        DeviceMemory values = device.memory(Float.NaN, 1, 2, 3, Float.NaN);
        CudaKernel kernel = device.kernel("activations.cu", "activateForward");
        kernel.launch(Dim.of(1), Dim.of(256), 0, values, 5L, activation.ordinal());
        float[] y = read(values);
        assertEquals(Float.NaN, y[0]);
        assertEquals(Float.NaN, y[4]);
    }

    /**
     * Against central differences. The error of y is at most 2^-24, that of y(1 - y) and 1 - y^2 two or three times as
     * large.
     */
    @ParameterizedTest
    @EnumSource
    void multipliesByTheDerivative(Activation activation) {
        int n = 5000;
        float[] y = new float[n];
        float[] dy = new float[n];
        double[] expected = new double[n];
        double h = 1e-5;
        for (int i = 0; i < n; i++) {
            double x = 3 * random.nextGaussian();
            y[i] = (float) Activations.activate(activation, x);
            dy[i] = (float) random.nextGaussian();
            expected[i] = dy[i] * (Activations.activate(activation, x + h)
                    - Activations.activate(activation, x - h)) / (2 * h);
        }
        CudaKernel kernel = device.kernel("activations.cu", "activateBackward");
        // The second time both arrays are not aligned to 16 bytes.
        for (int from = 0; from < 2; from++) {
            float[] shifted = new float[n + from];
            System.arraycopy(dy, 0, shifted, from, n);
            DeviceMemory gradient = device.memory(shifted);
            System.arraycopy(y, 0, shifted, from, n);
            DeviceMemory values = device.memory(shifted);
            kernel.launch(Dim.of(2), Dim.of(256), 0, values.view(4L * from, 4L * n), gradient.view(4L * from, 4L * n),
                    (long) n, activation.ordinal());
            float[] result = read(gradient);
            for (int i = 0; i < n; i++) {
                assertEquals(expected[i], result[from + i], Math.scalb(Math.abs(dy[i]), -21) + 1e-9, "of " + y[i]);
            }
        }
    }

    /** In place, with fewer threads than float4 values; the second time the arrays are not aligned to 16 bytes. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void adds(int from) {
        int n = 5003;
        float[] a = new float[n + from];
        float[] b = new float[n + from];
        float[] expected = new float[n + from];
        for (int i = 0; i < n + from; i++) {
            a[i] = (float) random.nextGaussian();
            b[i] = (float) random.nextGaussian();
            expected[i] = i < from ? a[i] : a[i] + b[i];
        }
        DeviceMemory all = device.memory(a);
        DeviceMemory sum = all.view(4L * from, 4L * n);
        device.kernel("merge.cu", "add").launch(Dim.of(2), Dim.of(256), 0, sum,
                device.memory(b).view(4L * from, 4L * n), sum, (long) n);
        assertArrayEquals(expected, read(all));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 5", "3, 8", "27, 33"})
    void interleavesGates(int rows, int filters) {
        float[] blocks = new float[rows * 4 * filters];
        float[] interleaved = new float[blocks.length];
        for (int row = 0; row < rows; row++) {
            for (int gate = 0; gate < 4; gate++) {
                for (int u = 0; u < filters; u++) {
                    float value = random.nextFloat();
                    blocks[(row * 4 + gate) * filters + u] = value;
                    interleaved[(row * filters + u) * 4 + gate] = value;
                }
            }
        }
        long n = (long) rows * filters;
        Dim grid = Dim.of((int) (n + 255) / 256);
        // The array in Keras's layout is a parameter, which may have any alignment.
        float[] shifted = new float[blocks.length + 1];
        System.arraycopy(blocks, 0, shifted, 1, blocks.length);
        DeviceMemory parameter = device.memory(shifted);
        DeviceMemory result = device.unwritten(blocks.length);
        device.kernel("layout.cu", "interleaveGates").launch(grid, Dim.of(256), 0, parameter.view(4,
                4L * blocks.length), result, n, filters);
        assertArrayEquals(interleaved, read(result));
        DeviceMemory back = device.memory(new float[shifted.length]);
        device.kernel("reduce.cu", "sumGateSplits").launch(grid, Dim.of(256), 0, result,
                back.view(4, 4L * blocks.length), 1, n, filters);
        shifted[0] = 0;
        assertArrayEquals(shifted, read(back));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1, 1", "2, 6, 4, 1, 2", "1, 6, 9, 2, 3", "3, 8, 12, 1, 4", "1, 4, 6, 6, 2", "2, 5, 7, 3, 1"})
    void movesPatchesToChannelsAndBack(int images, int height, int width, int channels, int block) {
        int size = images * height * width * channels;
        float[] space = new float[size];
        float[] depth = new float[size];
        for (int n = 0; n < images; n++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int c = 0; c < channels; c++) {
                        int patch = (n * (height / block) + y / block) * (width / block) + x / block;
                        int channel = (y % block * block + x % block) * channels + c;
                        float value = random.nextFloat();
                        space[((n * height + y) * width + x) * channels + c] = value;
                        depth[patch * block * block * channels + channel] = value;
                    }
                }
            }
        }
        int wide = block * channels % 4 == 0 ? 4 : 1;
        long n = size / wide;
        int run = block * channels / wide;
        Dim grid = Dim.of((int) (n + 255) / 256);
        DeviceMemory result = device.unwritten(size);
        device.kernel("layout.cu", "spaceToDepth" + wide).launch(grid, Dim.of(256), 0, device.memory(space), result, n,
                block, run, width / block);
        assertArrayEquals(depth, read(result));
        DeviceMemory back = device.unwritten(size);
        device.kernel("layout.cu", "depthToSpace" + wide).launch(grid, Dim.of(256), 0, result, back, n, block, run,
                width / block);
        assertArrayEquals(space, read(back));
    }

    /** Two rows with fewer threads than float4 values, aligned to 16 bytes and not; the second row is selected. */
    @ParameterizedTest
    @CsvSource({"0, 5000", "1, 5000", "0, 3003", "0, 3000", "0, 4096", "0, 9000"})
    void blendsRows(int from, int row) {
        float[] x = new float[2 * row];
        float[] y = new float[2 * row];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
            y[i] = (float) random.nextGaussian();
        }
        DeviceMemory target = device.unwritten(y.length + from).view(4L * from, 4L * y.length);
        target.write(0, y, 0, y.length);
        device.kernel("blend.cu", "blend").launch(Dim.of(1, 2), Dim.of(256), 0, device.memory(x), target,
                device.memory(0.25f, 1), (long) row);
        float[] blended = read(target);
        for (int i = 0; i < y.length; i++) {
            // Two roundings of values below 8.
            assertEquals(i < row ? y[i] + (x[i] - (double) y[i]) / 4 : x[i], blended[i],
                    i < row ? Math.scalb(1, -20) : 0, "at " + i);
        }
    }

    /** Six steps against float64, with arrays aligned to 16 bytes and not, and also on one thread. */
    @ParameterizedTest
    @CsvSource({"0, 8", "3, 8", "0, 1"})
    void adamAgrees(int from, int threads) {
        Golden c = Golden.load("adam");
        float[] start = c.values("start");
        float[] gradients = c.values("gradients");
        int n = start.length - 1; // With a scalar tail after the float4 values.
        int steps = gradients.length / start.length;
        long offset = 4L * from;
        DeviceMemory[] all = new DeviceMemory[4];
        for (int k = 0; k < all.length; k++) {
            all[k] = device.memory(new float[n + from]);
        }
        DeviceMemory[] views = Arrays.stream(all).map(memory -> memory.view(offset, 4L * n))
                .toArray(DeviceMemory[]::new);
        views[0].write(0, start, 0, n);
        CudaKernel kernel = device.kernel("adam.cu", "adam");
        for (int t = 1; t <= steps; t++) {
            views[1].write(0, gradients, (t - 1) * start.length, n);
            double alpha = 1e-3 * Math.sqrt(1 - Math.pow(0.999, t)) / (1 - Math.pow(0.9, t));
            kernel.launch(Dim.of(1), Dim.of(threads), 0, views[0], views[1], views[2], views[3], (long) n,
                    device.memory((float) alpha), (float) (1 - 0.9), (float) (1 - 0.999), 1e-7f);
            for (int which : new int[] {0, 2, 3}) {
                float[] expected = c.values(which == 0 ? "p" : which == 2 ? "m" : "v");
                float[] actual = read(views[which]);
                for (int i = 0; i < n; i++) {
                    // m averages gradients of both signs, each as large as the element's largest; a step is about 1e-3.
                    double largest = 0;
                    for (int s = 0; s < t; s++) {
                        double g = gradients[s * start.length + i];
                        largest = Math.max(largest, which == 3 ? g * g : Math.abs(g));
                    }
                    double value = expected[(t - 1) * start.length + i];
                    double bound = which == 0 ? t * (Math.scalb(Math.abs(value), -23) + 1e-8)
                            : t * Math.scalb(largest, -23) + Float.MIN_NORMAL;
                    assertEquals(value, actual[i], bound, "array " + which + ", step " + t + ", at " + i);
                }
            }
        }
    }

    @Test
    void adamTakesOneParameter() {
        DeviceMemory p = device.memory(1);
        DeviceMemory averages = device.memory(new float[8]);
        device.kernel("adam.cu", "adam").launch(Dim.of(1), Dim.of(256), 0, p, device.memory(-5), averages.view(0, 4),
                averages.view(16, 4), 1L, device.memory(1e-3f * (float) Math.sqrt(0.001) / 0.1f), 0.1f, 0.001f, 1e-7f);
        // The first step has the size of the learning rate, opposite to the gradient.
        assertEquals(1.001, read(p)[0], 1e-7);
    }
}
