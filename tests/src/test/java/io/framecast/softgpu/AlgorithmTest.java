package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.softgpu.Kernel.Dim;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Realistic kernels against plain Java: with all checks on and no failure, and with the same bits for any number of
 * host threads.
 */
class AlgorithmTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    /** Runs with one host thread and with two. */
    private static float[] run(Supplier<float[]> launches) {
        SoftGpu.configure("threads=1");
        float[] one = launches.get();
        SoftGpu.configure("threads=2");
        float[] two = launches.get();
        for (int i = 0; i < one.length; ++i) {
            assertEquals(Float.floatToRawIntBits(one[i]), Float.floatToRawIntBits(two[i]), "bits of element " + i);
        }
        return two;
    }

    private static float[] random(int n, int seed) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; ++i) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    /** A number of a kernel's counters: of "shared" the "conflicts", say. */
    private static long counter(String kernel, String group, String name) {
        String json = SoftGpu.countersJson();
        Matcher matcher = Pattern.compile("\"name\": \"" + kernel + "\".*?\"" + group + "\": \\{[^}]*\"" + name
                + "\": (\\d+)", Pattern.DOTALL).matcher(json);
        assertTrue(matcher.find(), json);
        return Long.parseLong(matcher.group(1));
    }

    @Test
    void reduces() {
        Kernel kernel = device.kernel("""
                __device__ float warp_sum(float x) {
                    for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(~0u, x, d);
                    return x;
                }
                extern "C" __global__ void sum(const float *in, float *out, int n) {
                    __shared__ float warps[32];
                    float x = 0;
                    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) x += in[i];
                    x = warp_sum(x);
                    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = x;
                    __syncthreads();
                    if (threadIdx.x < 32) {
                        x = warp_sum(threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : 0);
                        if (threadIdx.x == 0) out[blockIdx.x] = x;
                    }
                }
                """);
        float[] in = random(10_007, 1);
        float[] sum = run(() -> {
            Buffer parts = device.allocate(4 * 17);
            Buffer out = device.allocate(4);
            kernel.launch(17, 256, device.buffer(in), parts, in.length);
            kernel.launch(1, 32, parts, out, 17);
            return out.floats();
        });
        double expected = 0;
        for (float value : in) {
            expected += value;
        }
        assertEquals(expected, sum[0], 1e-3);
    }

    /** 32 by 32 floats in shared memory: a column is in one bank, unless rows are padded by one float. */
    @Test
    void transposesWithAndWithoutBankConflicts() {
        String source = """
                extern "C" __global__ void NAME(const float *in, float *out, int rows, int columns) {
                    __shared__ float tile[32][PITCH];
                    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32;
                    for (int r = threadIdx.y; r < 32; r += 8)
                        if (x < columns && y + r < rows) tile[r][threadIdx.x] = in[(y + r) * columns + x];
                    __syncthreads();
                    x = blockIdx.y * 32 + threadIdx.x;
                    y = blockIdx.x * 32;
                    for (int r = threadIdx.y; r < 32; r += 8)
                        if (x < rows && y + r < columns) out[(y + r) * rows + x] = tile[threadIdx.x][r];
                }
                """;
        Kernel conflicts = device.kernel(source.replace("NAME", "conflicts").replace("PITCH", "32"));
        Kernel padded = device.kernel(source.replace("NAME", "padded").replace("PITCH", "33"));
        for (Kernel kernel : new Kernel[] {conflicts, padded}) {
            int rows = 70;
            int columns = 101;
            float[] in = random(rows * columns, 2);
            float[] out = run(() -> {
                Buffer to = device.allocate(4L * in.length);
                kernel.launch(Dim.of(4, 3), Dim.of(32, 8), device.buffer(in), to, rows, columns);
                return to.floats();
            });
            for (int i = 0; i < in.length; ++i) {
                assertEquals(in[i], out[i % columns * rows + i / columns]);
            }
        }
        SoftGpu.resetCounters();
        Buffer in = device.buffer(random(64 * 64, 3));
        for (Kernel kernel : new Kernel[] {conflicts, padded}) {
            kernel.launch(Dim.of(2, 2), Dim.of(32, 8), in, device.allocate(4 * 64 * 64), 64, 64);
        }
        // For each of 4 tiles, 32 rows are written in one pass each, and 32 columns are read in 32 passes or in one.
        assertEquals(4 * 32 * 2, counter("conflicts", "shared", "ideal"));
        assertEquals(4 * 32 * (1 + 32), counter("conflicts", "shared", "wavefronts"));
        assertEquals(4 * 32 * 31, counter("conflicts", "shared", "conflicts"));
        assertEquals(4 * 32 * 2, counter("padded", "shared", "wavefronts"));
        assertEquals(0, counter("padded", "shared", "conflicts"));
        // Whole rows of 128 bytes: 4 sectors each, both ways.
        for (String way : new String[] {"global_loads", "global_stores"}) {
            assertEquals(64 * 64 * 4, counter("padded", way, "bytes"));
            assertEquals(64 * 64 / 8, counter("padded", way, "sectors"));
        }
    }

    @Test
    void scansOverManyBlocks() {
        Module module = device.module("""
                extern "C" __global__ void scan(const float *in, float *out, float *sums, int n) {
                    __shared__ float box[2][128];
                    int t = threadIdx.x, i = blockIdx.x * 128 + t, at = 0;
                    box[0][t] = i < n ? in[i] : 0;
                    for (int d = 1; d < 128; d *= 2, at ^= 1) {
                        __syncthreads();
                        box[at ^ 1][t] = box[at][t] + (t >= d ? box[at][t - d] : 0);
                    }
                    if (i < n) out[i] = box[at][t];
                    if (t == 127 && sums) sums[blockIdx.x] = box[at][t];
                }
                extern "C" __global__ void offset(float *out, const float *sums, int n) {
                    int i = (blockIdx.x + 1) * 128 + threadIdx.x;
                    if (i < n) out[i] += sums[blockIdx.x];
                }
                """);
        Random random = new Random(4);
        float[] in = new float[5000];
        for (int i = 0; i < in.length; ++i) {
            in[i] = random.nextInt(100) - 50;
        }
        int blocks = (in.length + 127) / 128;
        float[] out = run(() -> {
            Buffer sums = device.allocate(4L * blocks);
            Buffer totals = device.allocate(4L * blocks);
            Buffer to = device.allocate(4L * in.length);
            module.kernel("scan").launch(blocks, 128, device.buffer(in), to, sums, in.length);
            module.kernel("scan").launch(1, 128, sums, totals, 0L, blocks);
            module.kernel("offset").launch(blocks - 1, 128, to, totals, in.length);
            return to.floats();
        });
        float[] expected = in.clone();
        for (int i = 1; i < in.length; ++i) {
            expected[i] += expected[i - 1]; // Integers: exact in any order.
        }
        assertArrayEquals(expected, out);
    }

    @Test
    void makesAHistogram() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void histogram(const unsigned char *in, float *bins, int n) {
                    __shared__ int own[256];
                    own[threadIdx.x] = 0;
                    __syncthreads();
                    for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) atomicAdd(&own[in[i]], 1);
                    __syncthreads();
                    if (own[threadIdx.x]) atomicAdd(bins + threadIdx.x, (float)own[threadIdx.x]);
                }
                """);
        byte[] in = new byte[20_000];
        Random random = new Random(5);
        float[] expected = new float[256];
        for (int i = 0; i < in.length; ++i) {
            in[i] = (byte) (random.nextGaussian() * 30);
            ++expected[in[i] & 255];
        }
        assertArrayEquals(expected, run(() -> {
            Buffer bins = device.buffer(new float[256]);
            kernel.launch(9, 256, device.buffer(in), bins, in.length);
            return bins.floats();
        }));
    }

    /** Sizes that are not multiples of the tiles, so that every bounds check at the edges matters. */
    @Test
    void multipliesMatrices() {
        Kernel tiled = device.kernel("""
                extern "C" __global__ void tiled(const float *a, const float *b, float *c, int m, int n, int k) {
                    __shared__ float x[16][16], y[16][16];
                    int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
                    float sum = 0;
                    for (int at = 0; at < k; at += 16) {
                        x[threadIdx.y][threadIdx.x] = row < m && at + threadIdx.x < k
                            ? a[row * k + at + threadIdx.x] : 0;
                        y[threadIdx.y][threadIdx.x] = at + threadIdx.y < k && column < n
                            ? b[(at + threadIdx.y) * n + column] : 0;
                        __syncthreads();
                        for (int i = 0; i < 16; ++i) sum = fmaf(x[threadIdx.y][i], y[i][threadIdx.x], sum);
                        __syncthreads();
                    }
                    if (row < m && column < n) c[row * n + column] = sum;
                }
                """);
        Kernel blocked = device.kernel("""
                // 64 by 64 results of a block of 256 threads, 4 by 4 of a thread.
                extern "C" __global__ void __launch_bounds__(256) blocked(const float *a, const float *b, float *c,
                                                                          int m, int n, int k) {
                    __shared__ float x[8][64 + 4], y[8][64];
                    int t = threadIdx.x, tx = t % 16 * 4, ty = t / 16 * 4;
                    int row = blockIdx.y * 64, column = blockIdx.x * 64;
                    float sum[4][4] = {};
                    for (int at = 0; at < k; at += 8) {
                        for (int i = t; i < 512; i += 256) {
                            int r = i / 8, d = i % 8;
                            x[d][r] = row + r < m && at + d < k ? a[(row + r) * k + at + d] : 0;
                            y[i / 64][i % 64] = at + i / 64 < k && column + i % 64 < n
                                ? b[(at + i / 64) * n + column + i % 64] : 0;
                        }
                        __syncthreads();
                        for (int i = 0; i < 8; ++i) {
                            float4 u = *(const float4 *)&x[i][ty], v = *(const float4 *)&y[i][tx];
                            float p[4] = {u.x, u.y, u.z, u.w}, q[4] = {v.x, v.y, v.z, v.w};
                            for (int r = 0; r < 4; ++r)
                                for (int s = 0; s < 4; ++s) sum[r][s] = fmaf(p[r], q[s], sum[r][s]);
                        }
                        __syncthreads();
                    }
                    for (int r = 0; r < 4; ++r)
                        for (int s = 0; s < 4; ++s)
                            if (row + ty + r < m && column + tx + s < n)
                                c[(row + ty + r) * n + column + tx + s] = sum[r][s];
                }
                """);
        for (int[] size : new int[][] {{1, 1, 1}, {64, 64, 16}, {70, 45, 37}, {17, 130, 9}}) {
            int m = size[0];
            int n = size[1];
            int k = size[2];
            float[] a = random(m * k, 6);
            float[] b = random(k * n, 7);
            float[] expected = new float[m * n];
            for (int i = 0; i < m * n; ++i) {
                for (int j = 0; j < k; ++j) {
                    expected[i] = Math.fma(a[i / n * k + j], b[j * n + i % n], expected[i]);
                }
            }
            assertArrayEquals(expected, run(() -> {
                Buffer c = device.allocate(4L * m * n);
                tiled.launch(Dim.of((n + 15) / 16, (m + 15) / 16), Dim.of(16, 16), device.buffer(a), device.buffer(b),
                        c, m, n, k);
                return c.floats();
            }), "tiled " + Arrays.toString(size));
            assertArrayEquals(expected, run(() -> {
                Buffer c = device.allocate(4L * m * n);
                blocked.launch(Dim.of((n + 63) / 64, (m + 63) / 64), Dim.of(256), device.buffer(a), device.buffer(b),
                        c, m, n, k);
                return c.floats();
            }), "blocked " + Arrays.toString(size));
        }
        // Threads that read the same word share it.
        assertEquals(0, counter("tiled", "shared", "conflicts"));
    }

    @Test
    void appliesAStencilWithAHalo() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void step(const float *in, float *out, int width, int height) {
                    extern __shared__ float tile[];
                    int w = blockDim.x + 2, h = blockDim.y + 2;
                    int left = blockIdx.x * blockDim.x - 1, top = blockIdx.y * blockDim.y - 1;
                    for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < w * h; i += blockDim.x * blockDim.y) {
                        int x = min(max(left + i % w, 0), width - 1), y = min(max(top + i / w, 0), height - 1);
                        tile[i] = in[y * width + x];
                    }
                    __syncthreads();
                    int x = left + 1 + threadIdx.x, y = top + 1 + threadIdx.y;
                    if (x >= width || y >= height) return;
                    const float *at = tile + (threadIdx.y + 1) * w + threadIdx.x + 1;
                    out[y * width + x] = __fadd_rn(__fmul_rn(0.5f, at[0]),
                        __fmul_rn(0.125f, __fadd_rn(__fadd_rn(at[-1], at[1]), __fadd_rn(at[-w], at[w]))));
                }
                """).shared(4 * 18 * 10);
        int width = 53;
        int height = 30;
        float[] in = random(width * height, 8);
        float[] out = run(() -> {
            Buffer from = device.buffer(in);
            Buffer to = device.allocate(from.size());
            for (int step = 0; step < 4; ++step) {
                kernel.launch(Dim.of(4, 4), Dim.of(16, 8), step % 2 == 0 ? from : to, step % 2 == 0 ? to : from, width,
                        height);
            }
            return from.floats();
        });
        float[] now = in.clone();
        for (int step = 0; step < 4; ++step) {
            float[] next = new float[now.length];
            for (int y = 0; y < height; ++y) {
                for (int x = 0; x < width; ++x) {
                    float sides = now[y * width + Math.max(x - 1, 0)] + now[y * width + Math.min(x + 1, width - 1)];
                    float ends = now[Math.max(y - 1, 0) * width + x] + now[Math.min(y + 1, height - 1) * width + x];
                    next[y * width + x] = 0.5f * now[y * width + x] + 0.125f * (sides + ends);
                }
            }
            now = next;
        }
        assertArrayEquals(now, out);
    }
}
