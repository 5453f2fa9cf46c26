package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.function.IntBinaryOperator;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Communication between the threads of a warp, and the assignment of threads to warps. */
class WarpTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    // ---- Shuffles ---------------------------------------------------------------------------------------------------

    /** All modes, with any clamp, segment and distance, against the manual's pseudocode. */
    @Test
    void shufflesWithAnyClampSegmentAndDistance() {
        Kernel kernel = device.kernel("""
                #define SHUFFLE(MODE, AT) \\
                    asm("{ .reg .pred p; shfl.sync." MODE ".b32 %0|p, %2, %3, %4, -1; selp.b32 %1, 1, 0, p; }" \\
                        : "=r"(v), "=r"(in) : "r"(lane * 3 + 1000), "r"(b[i]), "r"(c[i])); \\
                    out[i * 8 + AT] = v; \\
                    out[i * 8 + AT + 1] = in;
                extern "C" __global__ void shuffles(const int *b, const int *c, int *out, int cases) {
                    int lane = threadIdx.x, v, in;
                    for (int k = 0; k < cases; ++k) {
                        int i = k * 32 + lane;
                        SHUFFLE("up", 0)
                        SHUFFLE("down", 2)
                        SHUFFLE("bfly", 4)
                        SHUFFLE("idx", 6)
                    }
                }
                """);
        Random random = new Random(4);
        int cases = 200;
        int[] distances = new int[cases * 32];
        int[] limits = new int[cases * 32];
        for (int k = 0; k < cases; ++k) {
            // Segments of 32 to 1 lanes, then random ones. The same distance for all lanes, then one for each lane.
            int limit = k < 50 ? 32 - (1 << k % 6) << 8 | (k % 2 == 0 ? 31 : 0) : random.nextInt();
            int distance = k < 100 ? k % 34 : -1;
            for (int lane = 0; lane < 32; ++lane) {
                limits[k * 32 + lane] = limit;
                distances[k * 32 + lane] = distance < 0 ? random.nextInt() : distance;
            }
        }
        Buffer out = device.buffer(new int[cases * 32 * 8]);
        kernel.launch(1, 32, device.buffer(distances), device.buffer(limits), out, cases);
        int[] expected = new int[cases * 32 * 8];
        for (int i = 0; i < distances.length; ++i) {
            int lane = i % 32;
            int b = distances[i] & 31;
            int segment = limits[i] >> 8 & 31;
            int first = lane & segment;
            int last = lane & segment | limits[i] & 31 & ~segment;
            int[] from = {lane - b, lane + b, lane ^ b, first | b & ~segment};
            for (int mode = 0; mode < 4; ++mode) {
                boolean inside = mode == 0 ? from[mode] >= last : from[mode] <= last;
                expected[i * 8 + 2 * mode] = (inside ? from[mode] : lane) * 3 + 1000;
                expected[i * 8 + 2 * mode + 1] = inside ? 1 : 0;
            }
        }
        assertArrayEquals(expected, out.ints());
    }

    /** The functions of CUDA C++, which write the segments as widths. */
    @Test
    void shufflesWithinSegments() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void segments(int *out) {
                    int lane = threadIdx.x, at = lane;
                    for (int width = 32; width > 0; width /= 2)
                        for (int d = 0; d < 32; d += 5) {
                            out[at] = __shfl_up_sync(~0u, lane + 100, d, width);
                            out[at + 32] = __shfl_down_sync(~0u, lane + 100, d, width);
                            out[at + 64] = __shfl_xor_sync(~0u, lane + 100, d, width);
                            out[at + 96] = __shfl_sync(~0u, lane + 100, d, width);
                            double x = __shfl_sync(~0u, lane + 0.25, d + lane, width);
                            out[at + 128] = x == (int)x + 0.25 ? (int)x : -1;
                            at += 160;
                        }
                }
                """);
        Buffer out = device.buffer(new int[6 * 7 * 160]);
        kernel.launch(1, 32, out);
        int[] expected = new int[6 * 7 * 160];
        int at = 0;
        for (int width = 32; width > 0; width /= 2) {
            for (int d = 0; d < 32; d += 5, at += 160) {
                for (int lane = 0; lane < 32; ++lane) {
                    int within = lane % width;
                    int begin = lane - within;
                    expected[at + lane] = 100 + (within >= d ? lane - d : lane);
                    expected[at + 32 + lane] = 100 + (within + d < width ? lane + d : lane);
                    // Lanes of earlier segments may be read, those of later ones not.
                    expected[at + 64 + lane] = 100 + ((lane ^ d) < begin + width ? lane ^ d : lane);
                    expected[at + 96 + lane] = 100 + begin + d % width;
                    expected[at + 128 + lane] = begin + (d + lane) % width;
                }
            }
        }
        assertArrayEquals(expected, out.ints());
    }

    // ---- Votes, matches, reductions ---------------------------------------------------------------------------------

    /** One instruction, where the mask of each set of lanes contains only that set. */
    @Test
    void votesMatchesAndReducesInSetsOfLanes() {
        Kernel kernel = device.kernel("""
                __device__ int uniform(unsigned mask, int x) {
                    int r;
                    asm("{ .reg .pred p, q; setp.gt.s32 p, %1, 0; vote.sync.uni.pred q, p, %2; selp.s32 %0, 1, 0, q; }"
                        : "=r"(r) : "r"(x), "r"(mask));
                    return r;
                }
                extern "C" __global__ void sets(const int *masks, const int *in, const long long *in64, int *out,
                                                int cases) {
                    for (int k = 0; k < cases; ++k) {
                        int i = k * 32 + threadIdx.x, x = in[i], all;
                        unsigned mask = masks[i];
                        long long y = in64[i];
                        int *o = out + i * 20;
                        o[0] = __ballot_sync(mask, x > 0);
                        o[1] = __all_sync(mask, x > 0);
                        o[2] = __any_sync(mask, x > 0);
                        o[3] = uniform(mask, x);
                        o[4] = __match_any_sync(mask, x);
                        o[5] = __match_any_sync(mask, y);
                        o[6] = __match_all_sync(mask, x, &all);
                        o[7] = all;
                        o[8] = __match_all_sync(mask, y, &all);
                        o[9] = all;
                        o[10] = __reduce_add_sync(mask, x);
                        o[11] = __reduce_min_sync(mask, x);
                        o[12] = __reduce_max_sync(mask, x);
                        o[13] = __reduce_min_sync(mask, (unsigned)x);
                        o[14] = __reduce_max_sync(mask, (unsigned)x);
                        o[15] = __reduce_and_sync(mask, (unsigned)x);
                        o[16] = __reduce_or_sync(mask, (unsigned)x);
                        o[17] = __reduce_xor_sync(mask, (unsigned)x);
                    }
                }
                """);
        int[][] sets = {{-1}, {0xffff, 0xffff0000}, {0x55555555, 0xaaaaaaaa}, {1, 0x7ffffffe, 0x80000000},
            {0x0f0f00f0, 0x10f0ff00, 0xe000000f}};
        Random random = new Random(5);
        int cases = 60;
        int[] masks = new int[cases * 32];
        int[] in = new int[cases * 32];
        long[] wide = new long[cases * 32];
        for (int i = 0; i < in.length; ++i) {
            int lane = i % 32;
            int k = i / 32;
            for (int set : sets[k % sets.length]) {
                if ((set >>> lane & 1) != 0) {
                    masks[i] = set;
                }
            }
            // Equal in all lanes, of few different values, or random.
            in[i] = k < 10 ? k % 2 : k < 40 ? random.nextInt(4) - 1 : random.nextInt();
            wide[i] = k < 10 ? 1L << 40 : (long) random.nextInt(3) << 32 | 5;
        }
        Buffer out = device.buffer(new int[in.length * 20]);
        kernel.launch(1, 32, device.buffer(masks), device.buffer(in), device.buffer(wide), out, cases);
        int[] expected = new int[in.length * 20];
        for (int i = 0; i < in.length; ++i) {
            int warp = i - i % 32;
            int mask = masks[i];
            int[] x = IntStream.range(0, 32).filter(lane -> (mask >>> lane & 1) != 0).map(lane -> in[warp + lane])
                    .toArray();
            int at = i;
            int equal = lanes(lane -> (mask >>> lane & 1) != 0 && in[warp + lane] == in[at]);
            int equal64 = lanes(lane -> (mask >>> lane & 1) != 0 && wide[warp + lane] == wide[at]);
            int positive = lanes(lane -> (mask >>> lane & 1) != 0 && in[warp + lane] > 0);
            IntBinaryOperator less = (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b;
            IntBinaryOperator greater = (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b;
            int[] results = {positive, positive == mask ? 1 : 0, positive != 0 ? 1 : 0,
                positive == 0 || positive == mask ? 1 : 0, equal, equal64, equal == mask ? mask : 0,
                equal == mask ? 1 : 0, equal64 == mask ? mask : 0, equal64 == mask ? 1 : 0,
                IntStream.of(x).sum(), IntStream.of(x).min().orElseThrow(), IntStream.of(x).max().orElseThrow(),
                IntStream.of(x).reduce(less).orElseThrow(), IntStream.of(x).reduce(greater).orElseThrow(),
                IntStream.of(x).reduce(-1, (a, b) -> a & b), IntStream.of(x).reduce(0, (a, b) -> a | b),
                IntStream.of(x).reduce(0, (a, b) -> a ^ b)};
            System.arraycopy(results, 0, expected, i * 20, results.length);
        }
        assertArrayEquals(expected, out.ints());
    }

    private static int lanes(IntPredicate in) {
        return IntStream.range(0, 32).filter(in).map(lane -> 1 << lane).sum();
    }

    // ---- Divergence -------------------------------------------------------------------------------------------------

    @Test
    void waitsForLanesThatComeLate() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void late(volatile int *trips, int *out) {
                    int lane = threadIdx.x & 31, k = 0, v;
                    while (k < trips[lane]) ++k;
                    out[threadIdx.x] = __shfl_sync(~0u, lane + 100 * k, lane + 1);
                    if (lane < 16) {
                        v = __shfl_down_sync(0xffff, lane, 1, 16);
                    } else {
                        for (k = 0; k < trips[31 - lane]; ++k) { }
                        v = __shfl_xor_sync(0xffff0000, lane, 3) + 1000 * k;
                        if (lane & 1) v = 2 * __shfl_sync(0xaaaa0000, v, lane + 2);
                    }
                    out[64 + threadIdx.x] = v;
                    unsigned odd = __ballot_sync(~0u, trips[lane] & 1);
                    if (odd >> lane & 1) v = __popc(__ballot_sync(odd, lane > 7));
                    else v = __reduce_add_sync(~odd, 1);
                    out[128 + threadIdx.x] = v;
                }
                """);
        int[] trips = new Random(6).ints(32, 0, 50).toArray();
        Buffer out = device.buffer(new int[192]);
        kernel.launch(1, 64, device.buffer(trips), out);
        int[] expected = new int[192];
        int odd = lanes(lane -> trips[lane] % 2 != 0);
        for (int t = 0; t < 64; ++t) {
            int lane = t % 32;
            int next = (lane + 1) % 32;
            expected[t] = next + 100 * trips[next];
            int late = (lane | 16) + (lane % 2 != 0 ? 2 : 0) & 31 | 16;
            expected[64 + t] = lane < 16 ? Math.min(lane + 1, 15)
                    : lane % 2 == 0 ? (lane ^ 3) + 1000 * trips[31 - lane]
                    : 2 * ((late ^ 3) + 1000 * trips[31 - late]);
            expected[128 + t] = (odd >> lane & 1) != 0 ? Integer.bitCount(odd & ~0xff) : Integer.bitCount(~odd);
        }
        // Lane 31 reads lane 33, which is lane 1 of the warp. That lane is not in the mask, so the result is undefined.
        expected[64 + 31] = expected[96 + 31] = 0;
        int[] actual = out.ints();
        actual[64 + 31] = actual[96 + 31] = 0;
        assertArrayEquals(expected, actual);
    }

    @Test
    void synchronizesPartsOfAWarp() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void exchange(const int *trips, int *out) {
                    __shared__ int box[32];
                    int lane = threadIdx.x, sum = 0;
                    unsigned third = lane % 3 == 0 ? 0x49249249 : lane % 3 == 1 ? 0x92492492 : 0x24924924;
                    for (int round = 0; round < 4; ++round) {
                        for (int k = 0; k < trips[lane]; ++k) sum += k;
                        box[lane] = lane * 10 + round;
                        __syncwarp(third);
                        sum = sum * 7 + box[(lane + 3) % 33 < 32 && (lane + 3) / 32 == 0 ? lane + 3 : lane % 3];
                        __syncwarp(third);
                    }
                    // The two halves of an if meet at barriers of their own.
                    if (lane & 1) { box[lane] = sum; __syncwarp(); } else { box[lane] = -sum; __syncwarp(); }
                    out[lane] = box[lane ^ 1];
                }
                """);
        int[] trips = new Random(7).ints(32, 0, 20).toArray();
        Buffer out = device.buffer(new int[32]);
        kernel.launch(1, 32, device.buffer(trips), out);
        int[] sums = new int[32];
        for (int lane = 0; lane < 32; ++lane) {
            int neighbour = lane + 3 < 32 ? lane + 3 : lane % 3;
            for (int round = 0; round < 4; ++round) {
                sums[lane] += trips[lane] * (trips[lane] - 1) / 2;
                sums[lane] = sums[lane] * 7 + neighbour * 10 + round;
            }
        }
        assertArrayEquals(IntStream.range(0, 32).map(lane -> (lane % 2 == 0 ? 1 : -1) * sums[lane ^ 1]).toArray(),
                out.ints());
    }

    /** Not guaranteed by CUDA, but the counters rely on it: lanes reconverge as soon as their paths do. */
    @Test
    void runsLanesTogetherAgainAfterTheyParted() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void part(volatile int *x, int *out) {
                    int lane = threadIdx.x, sum = 0;
                    unsigned inside;
                    if (x[lane] > 40) { inside = __activemask(); sum += x[0]; }
                    else if (x[lane] > 20) { inside = __activemask(); sum -= x[1]; }
                    else { inside = __activemask(); for (int i = 0; i < x[lane]; ++i) sum ^= x[i]; }
                    out[lane] = inside;
                    out[32 + lane] = __activemask();
                }
                """);
        int[] x = new Random(8).ints(32, 0, 60).toArray();
        Buffer out = device.buffer(new int[64]);
        kernel.launch(1, 32, device.buffer(x), out);
        assertArrayEquals(IntStream.range(0, 64).map(i -> i >= 32 ? -1 : lanes(
                lane -> x[lane] > 40 ? x[i] > 40 : x[lane] > 20 ? x[i] > 20 && x[i] <= 40 : x[i] <= 20)).toArray(),
                out.ints());
    }

    // ---- Threads, warps, blocks -------------------------------------------------------------------------------------

    @Test
    void hasPartialWarpsAndBlocksOfAnySize() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void self(int *out) {
                    int t = threadIdx.x, *o = out + t * 10;
                    o[0] = __ballot_sync(~0u, 1);
                    o[1] = __activemask();
                    o[2] = __shfl_down_sync(__activemask(), t, 1);
                    asm("mov.u32 %0, %%laneid;" : "=r"(o[3]));
                    asm("mov.u32 %0, %%warpid;" : "=r"(o[4]));
                    asm("mov.u32 %0, %%nwarpid;" : "=r"(o[5]));
                    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(o[6]));
                    asm("mov.u32 %0, %%lanemask_ge;" : "=r"(o[7]));
                    o[8] = __syncthreads_count(t % 3 == 0);
                    asm("{ .reg .b32 a, b, c; mov.u32 a, %%lanemask_le; mov.u32 b, %%lanemask_gt; \\n"
                        "  mov.u32 c, %%lanemask_eq; xor.b32 a, a, b; and.b32 %0, a, c; }" : "=r"(o[9]));
                }
                """);
        for (int block : new int[] {1, 33, 64, 1000, 1024}) {
            Buffer out = device.buffer(new int[block * 10]);
            kernel.launch(1, block, out);
            int[] expected = new int[block * 10];
            for (int t = 0; t < block; ++t) {
                int lane = t % 32;
                int inWarp = Math.min(32, block - (t - lane));
                int warp = inWarp == 32 ? -1 : (1 << inWarp) - 1;
                int[] own = {warp, warp, lane + 1 < inWarp ? t + 1 : t, lane, t / 32, (block + 31) / 32,
                    (1 << lane) - 1, -1 << lane, (block + 2) / 3, 1 << lane};
                System.arraycopy(own, 0, expected, t * 10, own.length);
            }
            int[] actual = out.ints();
            if (block % 32 != 0) {
                actual[(block - 1) * 10 + 2] = block - 1; // Its source lane has no thread: undefined.
            }
            assertArrayEquals(expected, actual, "a block of " + block);
        }
    }

    @Test
    void numbersThreadsAndBlocksInThreeDimensions() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void where(int *out) {
                    int lane, warp;
                    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
                    asm("mov.u32 %0, %%warpid;" : "=r"(warp));
                    int b = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
                    int t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
                    int *o = out + (b * 60 + t) * 8;
                    o[0] = threadIdx.x | threadIdx.y << 8 | threadIdx.z << 16;
                    o[1] = blockIdx.x | blockIdx.y << 8 | blockIdx.z << 16;
                    o[2] = blockDim.x | blockDim.y << 8 | blockDim.z << 16;
                    o[3] = gridDim.x | gridDim.y << 8 | gridDim.z << 16;
                    o[4] = warp * 32 + lane;
                }
                """);
        Buffer out = device.buffer(new int[24 * 60 * 8]);
        kernel.launch(Kernel.Dim.of(3, 4, 2), Kernel.Dim.of(5, 3, 4), out);
        int[] actual = out.ints();
        for (int b = 0; b < 24; ++b) {
            for (int t = 0; t < 60; ++t) {
                int at = (b * 60 + t) * 8;
                int[] own = {t % 5 | t / 5 % 3 << 8 | t / 15 << 16, b % 3 | b / 3 % 4 << 8 | b / 12 << 16,
                    5 | 3 << 8 | 4 << 16, 3 | 4 << 8 | 2 << 16, t};
                for (int i = 0; i < own.length; ++i) {
                    assertEquals(own[i], actual[at + i], "field " + i + " of thread " + t + " of block " + b);
                }
            }
        }
    }
}
