package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.IntBinaryOperator;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Branches, loops, calls, and the ways a launch can end. The path of one thread must not affect the others. */
class ControlFlowTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    // ---- Branches and loops -----------------------------------------------------------------------------------------

    @Test
    void runsNestedLoopsOfAnyTripCountsWithBreakContinueAndReturn() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void walk(const int *in, int *out, int n) {
                    int i = blockIdx.x * blockDim.x + threadIdx.x;
                    if (i >= n) return;
                    int x = in[i], sum = 0;
                    if (x % 11 == 0) { out[i] = -x; return; }
                    for (int a = 0; a < x % 7; ++a) {
                        int v = x + a, steps = 0;
                        while (v != 1) {
                            if (++steps > 60) goto next;
                            if (v & 1) {
                                v = 3 * v + 1;
                                if (v % 5 == 0) continue;
                            } else {
                                v >>= 1;
                            }
                            sum += v & 3;
                            if (sum > 200) break;
                            for (int b = v & 3; b > 0; --b) sum ^= b * steps;
                        }
                        sum += steps;
                        next:;
                    }
                    out[i] = sum;
                }
                """);
        int[] in = new Random(1).ints(1000, 1, 10_000).toArray();
        Buffer out = device.buffer(new int[in.length]);
        kernel.launch(8, 128, device.buffer(in), out, in.length);
        assertArrayEquals(Arrays.stream(in).map(ControlFlowTest::walk).toArray(), out.ints());
    }

    private static int walk(int x) {
        if (x % 11 == 0) {
            return -x;
        }
        int sum = 0;
        next:
        for (int a = 0; a < x % 7; ++a) {
            int v = x + a;
            int steps = 0;
            while (v != 1) {
                if (++steps > 60) {
                    continue next;
                }
                if ((v & 1) != 0) {
                    v = 3 * v + 1;
                    if (v % 5 == 0) {
                        continue;
                    }
                } else {
                    v >>= 1;
                }
                sum += v & 3;
                if (sum > 200) {
                    break;
                }
                for (int b = v & 3; b > 0; --b) {
                    sum ^= b * steps;
                }
            }
            sum += steps;
        }
        return sum;
    }

    @Test
    void takesEachCaseOfASwitch() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void choose(const int *in, int *out) {
                    int x = in[threadIdx.x], r = 1;
                    switch (x) {
                    case 0: r = x * 17 + 3; break;
                    case 1: r = __popc(x + 100); break;
                    case 2: r = in[0] - 5;
                    case 3: r += in[1] / 3; break;
                    case 4: for (int i = 0; i < x * 3; ++i) r = r * 3 + i; break;
                    case 5: out[threadIdx.x + 64] = r = 55; break;
                    case 6: r = __clz(x); break;
                    case 7: return;
                    case 8: r = in[2] ^ 0x55; break;
                    case 9: r = min(in[3], x); break;
                    case 10: r = -x;
                    case 11: r -= 7; break;
                    default: r = 1000 + x;
                    }
                    out[threadIdx.x] = r;
                }
                """);
        int[] in = new Random(2).ints(64, -3, 15).toArray();
        Buffer out = device.buffer(new int[128]);
        kernel.launch(1, 64, device.buffer(in), out);
        int[] expected = new int[128];
        for (int i = 0; i < 64; ++i) {
            int loop = 1;
            for (int j = 0; j < 12; ++j) {
                loop = loop * 3 + j;
            }
            expected[i] = switch (in[i]) {
                case 0 -> 3;
                case 1 -> Integer.bitCount(101);
                case 2 -> in[0] - 5 + in[1] / 3;
                case 3 -> 1 + in[1] / 3;
                case 4 -> loop;
                case 5 -> 55;
                case 6 -> 29;
                case 7 -> 0;
                case 8 -> in[2] ^ 0x55;
                case 9 -> Math.min(in[3], 9);
                case 10 -> -17;
                case 11 -> -6;
                default -> 1000 + in[i];
            };
            expected[64 + i] = in[i] == 5 ? 55 : 0;
        }
        assertArrayEquals(expected, out.ints());
    }

    /** Two labels that jump to each other, entered at either: no structured loop. */
    @Test
    void runsLoopsThatAreEnteredInTheMiddle() {
        Kernel kernel = device.ptxKernel("""
                .version 7.0
                .target sm_80
                .address_size 64
                .visible .entry tangle(.param .u64 out)
                {
                    .reg .b32 %r<4>;
                    .reg .b64 %rd<3>;
                    .reg .pred %p<3>;
                    mov.u32 %r1, %tid.x;
                    mov.u32 %r2, %tid.x;
                    mov.u32 %r3, 0;
                    and.b32 %r0, %r1, 1;
                    setp.ne.u32 %p1, %r0, 0;
                    @%p1 bra ODD;
                EVEN:
                    setp.lt.u32 %p2, %r2, 2;
                    @%p2 bra DONE;
                    shr.u32 %r2, %r2, 1;
                    mad.lo.u32 %r3, %r3, 10, 1;
                    and.b32 %r0, %r2, 2;
                    setp.eq.u32 %p1, %r0, 0;
                    @%p1 bra EVEN;
                ODD:
                    setp.lt.u32 %p2, %r2, 2;
                    @%p2 bra DONE;
                    sub.u32 %r2, %r2, 1;
                    mad.lo.u32 %r3, %r3, 10, 2;
                    and.b32 %r0, %r2, 4;
                    setp.eq.u32 %p1, %r0, 0;
                    @%p1 bra ODD;
                    bra EVEN;
                DONE:
                    ld.param.u64 %rd1, [out];
                    mad.wide.u32 %rd2, %r1, 4, %rd1;
                    st.global.u32 [%rd2], %r3;
                }
                """, "tangle");
        Buffer out = device.buffer(new int[64]);
        kernel.launch(1, 64, out);
        assertArrayEquals(IntStream.range(0, 64).map(x -> {
            int result = 0;
            boolean odd = x % 2 != 0;
            while (x >= 2) {
                if (odd) {
                    x -= 1;
                    result = result * 10 + 2;
                    odd = (x & 4) == 0;
                } else {
                    x >>= 1;
                    result = result * 10 + 1;
                    odd = (x & 2) != 0;
                }
            }
            return result;
        }).toArray(), out.ints());
    }

    /** A guard disables any instruction, only for the lanes where it is false. */
    @Test
    void obeysGuardsOfEveryKindOfInstruction() {
        Kernel kernel = device.ptxKernel("""
                .version 7.0
                .target sm_80
                .address_size 64
                .func (.param .b32 result) thrice(.param .b32 value)
                {
                    .reg .b32 %r<3>;
                    .reg .pred %p<2>;
                    ld.param.u32 %r1, [value];
                    st.param.b32 [result], %r1;
                    setp.gt.u32 %p1, %r1, 24;
                    @%p1 ret;
                    mul.lo.u32 %r2, %r1, 3;
                    st.param.b32 [result], %r2;
                    ret;
                }
                .visible .entry guarded(.param .u64 out, .param .u64 count)
                {
                    .reg .b32 %r<20>;
                    .reg .b64 %rd<5>;
                    .reg .pred %p<8>;
                    ld.param.u64 %rd1, [out];
                    ld.param.u64 %rd2, [count];
                    mov.u32 %r0, %tid.x;
                    mad.wide.u32 %rd3, %r0, 48, %rd1;
                    and.b32 %r1, %r0, 1;
                    setp.ne.u32 %p1, %r1, 0;
                    setp.ge.u32 %p2, %r0, 20;
                    mov.u32 %r2, 7;
                    @%p1 mov.u32 %r2, 8;
                    @!%p1 add.u32 %r2, %r2, 100;
                    @%p1 bra ARITHMETIC;
                ARITHMETIC:
                    mov.u32 %r3, 5;
                    @%p1 ld.global.u32 %r3, [%rd2+4];
                    @%p1 red.global.add.u32 [%rd2], 1;
                    mov.u32 %r4, 6;
                    @%p2 shfl.sync.bfly.b32 %r4, %r0, 1, 31, 0xfff00000;
                    mov.u32 %r5, 9;
                    @%p1 vote.sync.ballot.b32 %r5, %p2, 0xaaaaaaaa;
                    mov.pred %p3, %p2;
                    @%p1 setp.eq.u32 %p3, %r0, 3;
                    selp.u32 %r6, 1, 0, %p3;
                    mov.u32 %r7, 11;
                    {
                        .param .b32 argument;
                        .param .b32 answer;
                        st.param.b32 [argument], %r0;
                        st.param.b32 [answer], 0;
                        @!%p2 call (answer), thrice, (argument);
                        @!%p2 ld.param.b32 %r7, [answer];
                    }
                    mov.u32 %r8, 0;
                    and.b32 %r9, %r0, 3;
                    TARGETS: .branchtargets B0, B1, B2, B3;
                    @%p1 brx.idx %r9, TARGETS;
                    add.u32 %r8, %r8, 1000;
                B0: add.u32 %r8, %r8, 1;
                B1: add.u32 %r8, %r8, 10;
                B2: add.u32 %r8, %r8, 100;
                B3:
                    mov.u32 %r10, 12;
                    @%p1 atom.global.exch.b32 %r10, [%rd2+8], 13;
                    mov.u32 %r11, 13;
                    @%p1 cvt.s32.s8 %r11, 0x80;
                    st.global.u32 [%rd3], %r2;
                    st.global.u32 [%rd3+4], %r3;
                    @%p2 st.global.u32 [%rd3+8], %r4;
                    st.global.u32 [%rd3+12], %r5;
                    st.global.u32 [%rd3+16], %r6;
                    st.global.u32 [%rd3+20], %r7;
                    @%p1 exit;
                    st.global.u32 [%rd3+24], %r8;
                    @%p2 ret;
                    st.global.u32 [%rd3+28], %r10;
                    st.global.u32 [%rd3+32], %r11;
                    @%p1 trap;
                }
                """, "guarded");
        Buffer out = device.buffer(new int[32 * 12]);
        Buffer count = device.buffer(0, 77, 13);
        kernel.launch(1, 32, out, count);
        int[] expected = new int[32 * 12];
        for (int lane = 0; lane < 32; ++lane) {
            boolean odd = lane % 2 != 0;
            boolean high = lane >= 20;
            int at = 12 * lane;
            expected[at] = odd ? 8 : 107;
            expected[at + 1] = odd ? 77 : 5;
            expected[at + 2] = high ? lane ^ 1 : 0;
            expected[at + 3] = odd ? 0xaaa00000 : 9;
            expected[at + 4] = (odd ? lane == 3 : high) ? 1 : 0;
            expected[at + 5] = high ? 11 : 3 * lane;
            if (!odd) {
                expected[at + 6] = 1111;
                expected[at + 7] = high ? 0 : 12;
                expected[at + 8] = high ? 0 : 13;
            }
        }
        assertArrayEquals(expected, out.ints());
        assertArrayEquals(new int[] {16, 77, 13}, count.ints());
    }

    // ---- Calls ------------------------------------------------------------------------------------------------------

    @Test
    void callsFunctionsUnderDivergenceWithStructsByValue() {
        Kernel kernel = device.kernel("""
                struct Item { char tag; double weight; int values[3]; short last; };
                __device__ __noinline__ int mix(int a, int b) {
                    int r = a;
                    for (int i = 0; i < (b & 7); ++i) r = r * 31 + i;
                    return r;
                }
                __device__ __noinline__ Item change(Item item, int by) {
                    item.tag += by;
                    item.weight *= by;
                    item.values[by % 3] = mix(item.values[0], by);
                    item.last -= by;
                    return item;
                }
                extern "C" __global__ void calls(long long *out) {
                    int i = threadIdx.x;
                    Item item = {(char)i, i * 0.5, {i, i + 1, i + 2}, (short)(i - 20)};
                    long long r = 0;
                    if (i % 3 == 0) item = change(item, i + 1);
                    else if (i % 3 == 1) r = mix(i, mix(i, i));
                    else for (int k = 0; k < i % 5; ++k) item = change(change(item, k), mix(k, i) & 15);
                    r = r * 31 + item.tag;
                    r = r * 31 + (long long)(item.weight * 2);
                    for (int k = 0; k < 3; ++k) r = r * 31 + item.values[k];
                    out[i] = r * 31 + item.last;
                }
                """);
        Buffer out = device.buffer(new long[96]);
        kernel.launch(1, 96, out);
        assertArrayEquals(IntStream.range(0, 96).mapToLong(i -> {
            Item item = new Item(i);
            long r = 0;
            if (i % 3 == 0) {
                item.change(i + 1);
            } else if (i % 3 == 1) {
                r = mix(i, mix(i, i));
            } else {
                for (int k = 0; k < i % 5; ++k) {
                    item.change(k);
                    item.change(mix(k, i) & 15);
                }
            }
            r = r * 31 + item.tag;
            r = r * 31 + (long) (item.weight * 2);
            for (int value : item.values) {
                r = r * 31 + value;
            }
            return r * 31 + item.last;
        }).toArray(), out.longs());
    }

    private static int mix(int a, int b) {
        int r = a;
        for (int i = 0; i < (b & 7); ++i) {
            r = r * 31 + i;
        }
        return r;
    }

    private static final class Item {
        byte tag;
        double weight;
        final int[] values;
        short last;

        Item(int i) {
            tag = (byte) i;
            weight = i * 0.5;
            values = new int[] {i, i + 1, i + 2};
            last = (short) (i - 20);
        }

        void change(int by) {
            tag += (byte) by;
            weight *= by;
            values[by % 3] = mix(values[0], by);
            last -= (short) by;
        }
    }

    @Test
    void recursesToOtherDepthsInEachLane() {
        Kernel kernel = device.kernel("""
                __device__ __noinline__ int ackermann(int m, int n) {
                    if (m == 0) return n + 1;
                    if (n == 0) return ackermann(m - 1, 1);
                    return ackermann(m - 1, ackermann(m, n - 1));
                }
                __device__ __noinline__ bool odd(int n, int *visits);
                __device__ __noinline__ bool even(int n, int *visits) {
                    bool result = n == 0 || odd(n - 1, visits);
                    *visits += n;
                    return result;
                }
                __device__ __noinline__ bool odd(int n, int *visits) {
                    bool result = n != 0 && even(n - 1, visits);
                    *visits += 2 * n;
                    return result;
                }
                extern "C" __global__ void recurse(int *out) {
                    int lane = threadIdx.x, visits = 0;
                    out[lane] = ackermann(lane % 3, lane / 3 % 5);
                    out[32 + lane] = even(lane, &visits) ? visits : -visits;
                }
                """);
        Buffer out = device.buffer(new int[64]);
        kernel.launch(1, 32, out);
        int[] expected = new int[64];
        for (int lane = 0; lane < 32; ++lane) {
            int n = lane / 3 % 5;
            expected[lane] = lane % 3 == 0 ? n + 1 : lane % 3 == 1 ? n + 2 : 2 * n + 3;
            int visits = 0;
            for (int k = 0; k <= lane; ++k) {
                visits += (lane - k) % 2 == 0 ? k : 2 * k;
            }
            expected[32 + lane] = lane % 2 == 0 ? visits : -visits;
        }
        assertArrayEquals(expected, out.ints());
    }

    @Test
    void stopsRecursionThatLeavesTheStack() {
        Kernel kernel = device.kernel("""
                __device__ __noinline__ int sink(int n, int *at) {
                    int frame[64];
                    frame[n & 63] = n;
                    return *at + sink(n + 1, frame + (n & 63)) * 3;
                }
                extern "C" __global__ void fall(int *out) { out[0] = sink(1, out); }
                """);
        Buffer out = device.buffer(0);
        String report = device.expectFault(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, () -> kernel.launch(1, 1, out));
        assertTrue(report.contains("stack"), report);
    }

    @Test
    void callsThroughPointersAndVirtualTables() {
        String source = """
                typedef int (*Function)(int, int);
                __device__ __noinline__ int add(int a, int b) { return a + b; }
                __device__ __noinline__ int subtract(int a, int b) { return a - b; }
                __device__ __noinline__ int power(int a, int b) { int r = 1; while (b-- > 0) r *= a; return r; }
                __device__ Function functions[] = {add, subtract, power};
                struct Shape { int side; __device__ virtual int area(int by) const { return side * by; } };
                struct Square : Shape { __device__ int area(int by) const override { return side * side + by; } };
                struct Void : Square { __device__ int area(int) const override { return -side; } };
                extern "C" __global__ void indirect(int *out, int n) {
                    int i = threadIdx.x;
                    out[i] = functions[i % 3](i, n);
                    Shape shape;
                    Square square;
                    Void nothing;
                    shape.side = i;
                    square.side = i + 1;
                    nothing.side = i + 2;
                    const Shape *all[] = {&shape, &square, &nothing};
                    int sum = 0;
                    for (int k = 0; k <= i % 4; ++k) sum = sum * 3 + all[(i + k * n) % 3]->area(k);
                    out[64 + i] = sum;
                }
                """;
        assertTrue(device.compile(source).contains(".callprototype"), device.compile(source));
        Buffer out = device.buffer(new int[128]);
        device.kernel(source).launch(1, 64, out, 4);
        int[] expected = new int[128];
        for (int i = 0; i < 64; ++i) {
            IntBinaryOperator[] functions = {(a, b) -> a + b, (a, b) -> a - b, (a, b) -> a * a * a * a};
            expected[i] = functions[i % 3].applyAsInt(i, 4);
            int sum = 0;
            for (int k = 0; k <= i % 4; ++k) {
                sum = sum * 3 + switch ((i + 4 * k) % 3) {
                    case 0 -> i * k;
                    case 1 -> (i + 1) * (i + 1) + k;
                    default -> -(i + 2);
                };
            }
            expected[64 + i] = sum;
        }
        assertArrayEquals(expected, out.ints());
    }

    @Test
    void refusesACallThroughWhatIsNoFunction() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void wild(void (**f)()) { f[threadIdx.x](); }
                """);
        Buffer pointers = device.buffer(64L, 64L);
        device.expectFault(CUresult.CUDA_ERROR_INVALID_PC, () -> kernel.launch(1, 2, pointers));
    }

    /** Dynamic indices into it make the compiler copy it or take its address. */
    @Test
    void takesStructsAsKernelParameters() {
        String source = """
                struct Params { char tag; double weight; int values[5]; short last; };
                __device__ __noinline__ int pick(const Params *p, int i) { return p->values[i % 5]; }
                extern "C" __global__ void byValue(char before, Params p, int after, long long *out) {
                    int i = threadIdx.x;
                    out[i] = before + p.tag + (int)(p.weight * p.values[i % 5]) * 100 + p.last + after;
                }
                extern "C" __global__ void inPlace(char before, const __grid_constant__ Params p, int after,
                                                   long long *out) {
                    out[threadIdx.x] = pick(&p, threadIdx.x) * after;
                }
                """;
        Module module = device.module(source);
        Buffer out = device.buffer(new long[40]);
        ByteBuffer params = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
        params.put((byte) -3).position(8).putDouble(2.5);
        int[] values = {2, 4, -6, 8, 100_000};
        for (int value : values) {
            params.putInt(value);
        }
        params.putShort((short) -1000);
        Pointer arguments = Pointer.to(Pointer.to(new byte[] {50}), Pointer.to(params.array()),
                Pointer.to(new int[] {7}), Pointer.to(out.pointer()));
        check(cuLaunchKernel(module.kernel("byValue").function(), 1, 1, 1, 40, 1, 1, 0, null, arguments, null));
        SoftDevice.synchronize();
        assertArrayEquals(IntStream.range(0, 40).mapToLong(i -> 50 - 3 + values[i % 5] * 5 / 2 * 100 - 1000 + 7)
                .toArray(), out.longs());
        check(cuLaunchKernel(module.kernel("inPlace").function(), 1, 1, 1, 40, 1, 1, 0, null, arguments, null));
        SoftDevice.synchronize();
        assertArrayEquals(IntStream.range(0, 40).mapToLong(i -> values[i % 5] * 7).toArray(), out.longs());
    }

    @Test
    void keepsLargeLocalArraysApart() {
        Kernel kernel = device.kernel("""
                __device__ __noinline__ void sort(int *x, int n) {
                    for (int i = 1; i < n; ++i) {
                        int v = x[i], j = i;
                        while (j > 0 && x[j - 1] > v) { x[j] = x[j - 1]; --j; }
                        x[j] = v;
                    }
                }
                extern "C" __global__ void sorted(const int *in, int *out, int n) {
                    int x[100];
                    unsigned char order[256];
                    for (int i = 0; i < n; ++i) x[i] = in[threadIdx.x * n + i];
                    for (int i = 0; i < 256; ++i) order[i] = i * 7 + threadIdx.x;
                    sort(x, n);
                    for (int i = 0; i < n; ++i) out[threadIdx.x * n + i] = x[i] + order[x[i] & 255];
                }
                """);
        int n = 33;
        int[] in = new Random(3).ints(40 * n).map(x -> x / 2).toArray();
        Buffer out = device.buffer(new int[in.length]);
        kernel.launch(1, 40, device.buffer(in), out, n);
        int[] expected = in.clone();
        for (int t = 0; t < 40; ++t) {
            Arrays.sort(expected, t * n, t * n + n);
            for (int i = t * n; i < t * n + n; ++i) {
                expected[i] += (expected[i] & 255) * 7 + t & 255;
            }
        }
        assertArrayEquals(expected, out.ints());
    }

    // ---- Forward progress -------------------------------------------------------------------------------------------

    private static final String LOCK = """
            extern "C" __global__ void add(int *lock, volatile int *sum, int times) {
                for (int i = 0; i < times; ++i) {
                    while (atomicCAS(lock, 0, 1) != 0) { }
                    __threadfence();
                    *sum = *sum + threadIdx.x;
                    __threadfence();
                    atomicExch(lock, 0);
                }
            }
            """;

    @Test
    void letsLanesWarpsAndBlocksTakeALockInTurn() {
        Kernel kernel = device.kernel(LOCK);
        Buffer lock = device.buffer(0);
        Buffer sum = device.buffer(0);
        SoftGpu.configure("watchdog=30m");
        kernel.launch(2, 64, lock, sum, 1);
        assertArrayEquals(new int[] {2 * 63 * 32}, sum.ints());
    }

    /** Spinning lanes, at lower or higher addresses of the code, must not starve the lane that they wait for. */
    @Test
    void letsTheLaneInTheMiddleGoOn() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void relay(volatile int *flag, int *out) {
                    int lane = threadIdx.x;
                    if (lane == 0) {
                        while (flag[1] == 0) { }
                        out[0] = 1;
                    } else if (lane == 1) {
                        int x = 1;
                        for (int i = 0; i < 100000 && flag[2] == 0; ++i) x = x * 3 + flag[3];
                        out[1] = x;
                        __threadfence();
                        flag[0] = 1;
                    } else {
                        while (flag[0] == 0) { }
                        out[2] = 1;
                        __threadfence();
                        flag[1] = 1;
                    }
                }
                """);
        Buffer out = device.buffer(0, 0, 0);
        SoftGpu.configure("watchdog=100000000");
        kernel.launch(1, 3, device.buffer(0, 0, 0, 0), out);
        int x = 1;
        for (int i = 0; i < 100_000; ++i) {
            x *= 3;
        }
        assertArrayEquals(new int[] {1, x, 1}, out.ints());
    }

    /** The same if the waiting lanes diverge and reconverge all the time. */
    @Test
    void letsALaneGoOnWhileOthersTakeTurns() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void turns(volatile int *flag, int *out, int one) {
                    int lane = threadIdx.x;
                    if ((lane < 2) == one) {
                        for (int n = lane; flag[0] == 0; ++n)
                            if (n & 1) flag[1 + lane] = n; else flag[3 + lane] = flag[5 + lane] - n;
                    } else {
                        flag[0] = 1;
                    }
                    out[lane] = 1;
                }
                """);
        for (int one = 0; one < 2; ++one) { // For either order of the paths in the code.
            Buffer out = device.buffer(new int[4]);
            SoftGpu.configure("watchdog=50m");
            kernel.launch(1, 4, device.buffer(new int[12]), out, one);
            assertArrayEquals(new int[] {1, 1, 1, 1}, out.ints());
        }
    }

    @Test
    void endsWhatNeverEndsByItself() {
        for (String loop : List.of(
                "while (*flag == 0) { }",
                "do { __syncthreads(); } while (*flag == 0);",
                "if (threadIdx.x < 32) while (*flag == 0) { } else __syncthreads();",
                "while (*flag == 0) __syncwarp();")) {
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void endless(volatile int *flag) {
                        LOOP
                        *flag = 2;
                    }
                    """.replace("LOOP", loop));
            Buffer flag = device.buffer(0);
            SoftGpu.configure("watchdog=600k");
            String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_TIMEOUT, () -> kernel.launch(1, 64, flag));
            assertTrue(report.contains("endless") && report.contains("watchdog"), loop + "\n" + report);
        }
    }

    @Test
    void hasAClockThatOnlyGoesOn() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void tick(long long *out) {
                    long long t[4];
                    unsigned c = clock();
                    for (int i = 0; i < 4; ++i) {
                        for (int k = 0; k < (threadIdx.x & 7); ++k) __nanosleep(1);
                        asm volatile("mov.u64 %0, %%clock64;" : "=l"(t[i]));
                    }
                    for (int i = 0; i < 4; ++i) out[threadIdx.x * 5 + i] = t[i];
                    out[threadIdx.x * 5 + 4] = (unsigned)clock() - c;
                }
                """);
        Buffer out = device.buffer(new long[5 * 96]);
        kernel.launch(1, 96, out);
        long[] times = out.longs();
        for (int t = 0; t < times.length; t += 5) {
            assertTrue(times[t] > 0 && times[t] < times[t + 1] && times[t + 1] < times[t + 2]
                    && times[t + 2] < times[t + 3] && times[t + 4] > 0, Arrays.toString(times));
        }
    }

    // ---- Ends -------------------------------------------------------------------------------------------------------

    @Test
    void saysWhichAssertionFailed() {
        Kernel kernel = device.kernel("""
                __device__ __noinline__ void require(int x) {
                    assert(x < 40 && "few enough");
                }
                extern "C" __global__ void sure(int *out) {
                    require(threadIdx.x);
                    out[threadIdx.x] = 1;
                }
                """);
        Buffer out = device.buffer(new int[64]);
        kernel.launch(1, 40, out);
        String report = device.expectFault(CUresult.CUDA_ERROR_ASSERT, () -> kernel.launch(1, 64, out));
        for (String part : List.of("test.cu", ":2:", "require", "x < 40 && \"few enough\"", "thread (40,0,0)")) {
            assertTrue(report.contains(part), part + " is not in " + report);
        }
    }

    @Test
    void stopsAtATrap() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void trapped(int *out) {
                    if (threadIdx.x == 37) __trap();
                    out[threadIdx.x] = 1;
                }
                """);
        Buffer out = device.buffer(new int[64]);
        String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(1, 64, out));
        assertTrue(report.contains("trap") && report.contains("(37,0,0)"), report);
    }

    // ---- printf -----------------------------------------------------------------------------------------------------

    private static final String PRINTING = """
            extern "C" __global__ void print(const double *x, const char *text) {
                if (threadIdx.x == 1) return;
                int i = threadIdx.x, n;
                n = printf("a %d %i %5d|%-5d|%05d %+d\\n", i, -7, 42, 42, 42, 42);
                printf("b %u %o %x %X %#x %#o\\n", 4000000000u, 8, 255, 255, 255, 8);
                printf("c %ld %lld %lu %llx %hd\\n", -1L << 40, 1LL << 62, ~0UL, 1ULL << 63, 70000);
                printf("d %f %.2f %10.3f|%-10.1f|%e %g %G %a\\n", x[0], x[0], x[0], x[0], x[1], x[2], x[3], x[4]);
                printf("e %c%c %s|%8s|%-8s|%.2s 100%%\\n", 'h', 105, "text", "right", "left", "cut");
                printf("f %*d|%-*d|\\n", 6, i, 4, i);
                printf("g %p\\n", (void *)0xabcd);
                printf("h %d\\n", n);
                n = printf("i %%\\n");
                printf("%s%d%f%d\\n", "j", n, x[5], 3);
            }
            """;

    /** The text goes to the C library's standard output, so it is read from a child process. */
    @Test
    void printsAsC(@TempDir Path directory) throws Exception {
        Process process = start(Printing.class, directory);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        double[] x = Printing.NUMBERS;
        StringBuilder expected = new StringBuilder();
        for (String line : List.of(
                "a # -7    42|42   |00042 +42",
                "b 4000000000 10 ff FF 0xff 010",
                "c -1099511627776 4611686018427387904 18446744073709551615 8000000000000000 4464",
                String.format(Locale.ROOT, "d %f %.2f %10.3f|%-10.1f|%e 1e-10 1E+20 0x1.8p+1", x[0], x[0], x[0], x[0],
                        x[1]),
                "e hi text|   right|left    |cu 100%",
                "f      #|#   |",
                "g 0xabcd",
                "h 6",
                "i %",
                "j0-inf3")) {
            for (int lane : new int[] {0, 2}) {
                expected.append(line.replace("#", Integer.toString(lane))).append('\n');
            }
        }
        assertEquals(expected.toString(), output);
    }

    private static Process start(Class<?> program, Path directory) throws IOException {
        return new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp",
                System.getProperty("java.class.path"), program.getName()).directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    static final class Printing {
        static final double[] NUMBERS = {1234.56789, 1.5e300, 1e-10, 1e20, 3, Double.NEGATIVE_INFINITY};

        private Printing() {
        }

        public static void main(String[] arguments) {
            SoftDevice device = new SoftDevice();
            device.beforeEach(null);
            device.kernel(PRINTING).launch(1, 3, device.buffer(NUMBERS), 0L);
        }
    }

    /** A process may end at any time, for example if its user stops it. */
    @Test
    void survivesTheEndOfTheProcessInALaunch(@TempDir Path directory) throws Exception {
        Process process = start(Leaving.class, directory);
        assertEquals('r', process.getInputStream().read()); // Printed by the kernel.
        process.getOutputStream().close();
        process.getInputStream().readAllBytes();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(5, process.exitValue());
        assertArrayEquals(new String[0], directory.toFile().list(), "the JVM leaves a file where it crashes");
    }

    static final class Leaving {
        private Leaving() {
        }

        public static void main(String[] arguments) {
            SoftDevice device = new SoftDevice();
            device.beforeEach(null);
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void run(volatile int *x) {
                        volatile int local[1000];
                        for (int i = 0; i < 1000; ++i) local[i] = i;
                        if (threadIdx.x == 0) printf("running\\n");
                        for (int i = 0; x[threadIdx.x] >= 0; i = (i + 1) % 1000) local[i] = local[999 - i] + 1;
                    }
                    """);
            Buffer x = device.buffer(new int[64]);
            new Thread(() -> {
                try {
                    System.in.read();
                } catch (IOException e) {
                    System.exit(6);
                }
                System.exit(5);
            }).start();
            kernel.launch(1, 64, x);
        }
    }
}
