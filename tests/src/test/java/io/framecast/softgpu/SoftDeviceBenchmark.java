package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * How many thread-instructions a second the device runs: most of a register-tiled matrix product compute, most of a
 * vector sum access the device's memory, and of a sort shared memory. Not one of the tests:
 *
 * <pre>mvn verify -pl tests -am -Dtest=SoftDeviceBenchmark -Dsurefire.failIfNoSpecifiedTests=false</pre>
 */
class SoftDeviceBenchmark {

    private static final int SIZE = 1024;
    private static final int DEPTH = 256;

    /** C = A B in tiles of 128 x 128, each thread with 8 x 8 of it in registers. Sizes are multiples of the tile's. */
    private static final String MATMUL = """
            extern "C" __global__ void __launch_bounds__(256) matmul(const float *A, const float *B, float *C, int N,
                                                                     int K) {
                __shared__ float a[2][8][128], b[2][8][128];
                int column = threadIdx.x % 16 * 8, row = threadIdx.x / 16 * 8, stage = 0;
                float sum[8][8] = {};
                A += blockIdx.y * 128 * K;
                B += blockIdx.x * 128;
                for (int k0 = 0; k0 < K; k0 += 8, stage ^= 1) {
                    for (int i = threadIdx.x; i < 1024; i += 256) {
                        a[stage][i % 8][i / 8] = A[i / 8 * K + k0 + i % 8];
                        b[stage][i / 128][i % 128] = B[(k0 + i / 128) * N + i % 128];
                    }
                    __syncthreads();
            #pragma unroll
                    for (int k = 0; k < 8; k++) {
                        float x[8], y[8];
            #pragma unroll
                        for (int i = 0; i < 8; i += 4) {
                            *(float4 *)&x[i] = *(float4 *)&a[stage][k][row + i];
                            *(float4 *)&y[i] = *(float4 *)&b[stage][k][column + i];
                        }
            #pragma unroll
                        for (int i = 0; i < 8; i++)
            #pragma unroll
                            for (int j = 0; j < 8; j++) sum[i][j] += x[i] * y[j];
                    }
                }
                C += (blockIdx.y * 128 + row) * N + blockIdx.x * 128 + column;
                for (int i = 0; i < 8; i++)
                    for (int j = 0; j < 8; j += 4) *(float4 *)&C[i * N + j] = *(float4 *)&sum[i][j];
            }
            """;

    private static final int COUNT = 1 << 20;

    private static final String SUM = """
            extern "C" __global__ void sum(const int *a, const int *b, int *c) {
                int i = blockIdx.x * 256 + threadIdx.x;
                c[i] = a[i] + b[i];
            }
            """;

    /** Sorts 1024 numbers a block, by a bitonic network. */
    private static final String SORT = """
            extern "C" __global__ void sort(const int *in, int *out) {
                __shared__ int s[1024];
                int t = threadIdx.x;
                for (int k = t; k < 1024; k += 512) s[k] = in[blockIdx.x * 1024 + k];
                for (int size = 2; size <= 1024; size *= 2)
                    for (int stride = size / 2; stride > 0; stride /= 2) {
                        __syncthreads();
                        int at = 2 * t - (t & (stride - 1)), x = s[at], y = s[at + stride];
                        if ((x > y) == ((at & size) == 0)) {
                            s[at] = y;
                            s[at + stride] = x;
                        }
                    }
                __syncthreads();
                for (int k = t; k < 1024; k += 512) out[blockIdx.x * 1024 + k] = s[k];
            }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    @Test
    void matrixProduct() throws IOException {
        // Small integers, so that sums are exact.
        float[] a = new float[SIZE * DEPTH];
        float[] b = new float[DEPTH * SIZE];
        for (int i = 0; i < a.length; i++) {
            a[i] = i * 7 % 13 - 6;
            b[i] = i * 5 % 11 - 5;
        }
        Buffer left = device.buffer(a);
        Buffer right = device.buffer(b);
        Buffer product = device.allocate(4L * SIZE * SIZE);
        Kernel kernel = device.kernel(MATMUL);
        Kernel.Dim grid = Kernel.Dim.of(SIZE / 128, SIZE / 128);

        Runnable launch = () -> kernel.launch(grid, Kernel.Dim.of(256), left, right, product, SIZE, DEPTH);
        launch.run();
        float[] c = product.floats();
        for (int i = 0; i < SIZE; i += 37) {
            for (int j = 0; j < SIZE; j += 41) {
                float expected = 0;
                for (int k = 0; k < DEPTH; k++) {
                    expected += a[i * DEPTH + k] * b[k * SIZE + j];
                }
                assertEquals(expected, c[i * SIZE + j]);
            }
        }

        measure("product of %d x %d x %d".formatted(SIZE, SIZE, DEPTH), launch);
    }

    @Test
    void vectorSum() throws IOException {
        int[] numbers = new Random(1).ints(COUNT).toArray();
        Buffer x = device.buffer(numbers);
        Buffer sum = device.allocate(4L * COUNT);
        Kernel kernel = device.kernel(SUM);
        Runnable launch = () -> kernel.launch(COUNT / 256, 256, x, x, sum);
        launch.run();
        assertArrayEquals(Arrays.stream(numbers).map(n -> 2 * n).toArray(), sum.ints());
        measure("sum of %,d numbers".formatted(COUNT), launch);
    }

    @Test
    void sort() throws IOException {
        int[] numbers = new Random(2).ints(1 << 16).toArray();
        Buffer in = device.buffer(numbers);
        Buffer out = device.allocate(4L * numbers.length);
        Kernel kernel = device.kernel(SORT);
        Runnable launch = () -> kernel.launch(numbers.length / 1024, 512, in, out);
        launch.run();
        int[] expected = numbers.clone();
        for (int begin = 0; begin < expected.length; begin += 1024) {
            Arrays.sort(expected, begin, begin + 1024);
        }
        assertArrayEquals(expected, out.ints());
        measure("sorts of 1024 numbers", launch);
    }

    /** Of a launch that has run once. */
    private static void measure(String title, Runnable launch) throws IOException {
        long instructions = new ObjectMapper().readTree(SoftGpu.countersJson()).at("/kernels/0/thread_instructions")
                .asLong();
        System.out.printf(Locale.ROOT, "%s: %,d thread-instructions a launch, %d threads of the host%n", title,
                instructions, Runtime.getRuntime().availableProcessors());
        for (String settings : new String[] {"checks=none,counters=off", "checks=none,counters=on",
            "checks=all,counters=off", "checks=all,counters=on"}) {
            SoftGpu.configure(settings);
            double[] seconds = new double[7];
            for (int run = 0; run < seconds.length; run++) {
                long begin = System.nanoTime();
                launch.run();
                seconds[run] = (System.nanoTime() - begin) / 1e9;
            }
            Arrays.sort(seconds);
            System.out.printf(Locale.ROOT, "  %-26s median %.3f s, best %.3f s: %,5.0f million thread-instructions/s%n",
                    settings, seconds[3], seconds[0], instructions / seconds[3] / 1e6);
        }
    }
}
