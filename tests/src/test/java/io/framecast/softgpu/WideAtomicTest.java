package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.BF16;
import static io.framecast.softgpu.FloatFormat.F16;
import static java.math.RoundingMode.HALF_EVEN;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_PTX;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_MISALIGNED_ADDRESS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Registers of 128 bits, and atomic operations on 128 bits and on vectors. */
class WideAtomicTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private final Random random = new Random(51);

    @Test
    void movesAndAccesses128Bits() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void wide(const unsigned long long *in, unsigned long long *out) {
                    __shared__ __align__(16) unsigned long long box[2];
                    asm volatile("{ .reg .b128 p, q<2>; .reg .b64 x, y; .reg .b32 a, b, c, d;"
                        ".reg .b16 h<8>; .local .align 16 .b8 own[16];"
                        "ld.global.b128 q0, [%0]; st.shared.b128 [%2], q0; ld.shared.b128 p, [%2];"
                        "mov.b128 {a, b, c, d}, p; mov.b128 q1, {d, c, b, a}; st.relaxed.gpu.global.b128 [%1], q1;"
                        "mov.b128 {h0, h1, h2, h3, h4, h5, h6, h7}, q0; mov.b128 q1, {h1, h0, h3, h2, h5, h4, h7, h6};"
                        "st.local.b128 [own], q1; ld.local.b128 p, [own]; st.global.b128 [%1+16], p;"
                        "mov.b128 {x, y}, q0; mov.b128 q1, {y, x}; mov.b128 p, q1; mov.b128 {x, _}, p;"
                        "mov.b128 q0, {5, x}; st.volatile.global.b128 [%1+32], q0; }"
                        :: "l"(in), "l"(out), "r"((unsigned) __cvta_generic_to_shared(box)) : "memory");
                }
                """);
        long low = 0x0123456789abcdefL, high = 0xfedcba9876543210L;
        Buffer out = device.buffer(new long[6]);
        kernel.launch(1, 1, device.buffer(low, high), out);
        assertArrayEquals(new long[] {Long.rotateLeft(high, 32), Long.rotateLeft(low, 32), 0x45670123cdef89abL,
            0xba98fedc32107654L, 5, high}, out.longs());
        String report = device.expectFault(CUDA_ERROR_MISALIGNED_ADDRESS, () -> device.kernel("""
                extern "C" __global__ void crooked(unsigned long long *x) {
                    asm volatile("{ .reg .b128 q; ld.global.b128 q, [%0]; }" :: "l"(x + 1) : "memory");
                }
                """).launch(1, 1, device.buffer(1L, 2L, 3L)));
        assertTrue(report.contains("not a multiple of 16"), report);
    }

    /** A half that nothing has written is undefined; the other is not. */
    @Test
    void theHalvesAreUndefinedByThemselves() {
        String source = """
                extern "C" __global__ void half(unsigned long long *out) {
                    __shared__ __align__(16) unsigned long long box[2];
                    box[1] = 7;
                    unsigned long long x, y;
                    asm volatile("{ .reg .b128 q; ld.shared.b128 q, [%2]; mov.b128 {%0, %1}, q; }"
                        : "=l"(x), "=l"(y) : "r"((unsigned) __cvta_generic_to_shared(box)) : "memory");
                    out[0] = @ + 1;
                }
                """;
        Buffer out = device.buffer(new long[1]);
        device.kernel(source.replace("@", "y")).launch(1, 1, out);
        assertEquals(8, out.longs()[0]);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED,
                () -> device.kernel(source.replace("@", "x")).launch(1, 1, device.buffer(new long[1])));
        assertTrue(report.contains("an undefined value is stored") && report.contains("read of 8 bytes"), report);
    }

    /** All threads add to one number of 128 bits, as often as a compare-and-swap fails; carries cross its halves. */
    @ParameterizedTest
    @ValueSource(strings = {"global", "shared"})
    void comparesAndSwaps128Bits(String space) {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void add(unsigned long long *sum, unsigned long long *last) {
                    __shared__ __align__(16) unsigned long long box[2];
                    unsigned long long *x = SHARED ? box : sum;
                    if (SHARED && threadIdx.x == 0) box[0] = sum[0], box[1] = sum[1];
                    __syncthreads();
                    unsigned long long low = 0, high = 0, l, h, addend = 0x9000000000000000ull + threadIdx.x;
                    for (;;) {
                        unsigned long long nl = low + addend, nh = high + (nl < low);
                        asm volatile("{ .reg .b128 a, b, c; mov.b128 b, {%2, %3}; mov.b128 c, {%4, %5};"
                            "atom.cas.b128 a, [%6], b, c; mov.b128 {%0, %1}, a; }"
                            : "=l"(l), "=l"(h) : "l"(low), "l"(high), "l"(nl), "l"(nh), "l"(x) : "memory");
                        if (l == low && h == high) break;
                        low = l, high = h;
                    }
                    __syncthreads();
                    if (SHARED && threadIdx.x == 0)
                        asm volatile("{ .reg .b128 a, b; mov.b128 b, {3, 4}; atom.shared.exch.b128 a, [%2], b;"
                            "mov.b128 {%0, %1}, a; }" : "=l"(sum[0]), "=l"(sum[1])
                            : "r"((unsigned) __cvta_generic_to_shared(box)) : "memory");
                    if (SHARED && threadIdx.x == 0) last[0] = box[0], last[1] = box[1];
                }
                """.replace("SHARED", space.equals("shared") ? "1" : "0"));
        int blocks = space.equals("shared") ? 1 : 3;
        Buffer sum = device.buffer(new long[2]), last = device.buffer(3L, 4L);
        kernel.launch(blocks, 70, sum, last);
        BigInteger expected = BigInteger.ZERO;
        for (int i = 0; i < 70; i++) {
            expected = expected.add(BigInteger.valueOf(9).shiftLeft(60).add(BigInteger.valueOf(i)));
        }
        expected = expected.multiply(BigInteger.valueOf(blocks));
        assertArrayEquals(new long[] {expected.longValue(), expected.shiftRight(64).longValue()}, sum.longs());
        assertArrayEquals(new long[] {3, 4}, last.longs());
    }

    private static FloatFormat format(String type) {
        return type.startsWith("bf16") ? BF16 : F16;
    }

    /**
     * One thread: what each element becomes, and that what it was is returned, though results and operands share
     * registers in another order.
     */
    @ParameterizedTest
    @CsvSource({"v2.f16, add", "v4.f16, min", "v8.f16, max", "v8.bf16, add", "v4.bf16, max", "v2.bf16, min",
        "v2.f16x2, add", "v4.f16x2, max", "v2.bf16x2, min", "v4.bf16x2, add"})
    void updatesEachHalfOfAVector(String type, String operation) {
        boolean pairs = type.endsWith("x2");
        FloatFormat format = format(type.substring(3));
        int registers = type.charAt(1) - '0', halves = registers * (pairs ? 2 : 1);
        StringBuilder in = new StringBuilder(), out = new StringBuilder(), list = new StringBuilder();
        StringBuilder turned = new StringBuilder();
        for (int i = 0; i < registers; i++) {
            String constraint = pairs ? "r" : "h", comma = i == 0 ? "" : ", ";
            list.append(comma).append('%').append(i);
            turned.append(comma).append('%').append((i + 1) % registers);
            out.append(comma).append("\"+").append(constraint).append("\"(x[").append(i).append("])");
        }
        Kernel kernel = device.kernel("""
                extern "C" __global__ void update(%1$s *at, %1$s *operands) {
                    %1$s x[%2$d];
                    at += threadIdx.x * %2$d, operands += threadIdx.x * %2$d;
                    for (int i = 0; i < %2$d; ++i) x[i] = operands[i];
                    asm volatile("atom.global.%3$s.noftz.%4$s {%5$s}, [%%%2$d], {%6$s};" : %7$s : "l"(at) : "memory");
                    for (int i = 0; i < %2$d; ++i) operands[i] = x[i];
                }
                """.formatted(pairs ? "unsigned" : "unsigned short", registers, operation, type, turned, list, out));
        long[] edges = format.edges();
        int threads = 64;
        short[] at = new short[threads * halves], operands = at.clone(), expected = at.clone(), returned = at.clone();
        for (int i = 0; i < at.length; i++) {
            at[i] = (short) (random.nextInt(3) > 0 ? edges[random.nextInt(edges.length)] : format.random(random));
            operands[i] = (short) (random.nextInt(3) > 0 ? edges[random.nextInt(edges.length)] : format.random(random));
            expected[i] = (short) combine(format, operation, at[i] & 0xffff, operands[i] & 0xffff);
        }
        int turn = pairs ? 2 : 1;
        for (int i = 0; i < at.length; i++) {
            // Register i gets element i - 1.
            int thread = i / halves, half = i % halves;
            returned[i] = at[thread * halves + (half + halves - turn) % halves];
        }
        Buffer memory = device.buffer(at), registersOut = device.buffer(operands);
        kernel.launch(1, threads, memory, registersOut);
        assertArrayEquals(any(format, expected), any(format, memory.shorts()));
        assertArrayEquals(returned, registersOut.shorts());
    }

    private static long combine(FloatFormat format, String operation, long x, long y) {
        if (operation.equals("add")) {
            return format.add(x, y, HALF_EVEN);
        }
        if (format.isNan(x) || format.isNan(y)) {
            return format.isNan(x) ? y : x;
        }
        int order = Double.compare(format.value(y), format.value(x));      // -0 is less than +0
        return (operation.equals("min") ? order < 0 : order > 0) ? y : x;
    }

    private static long[] any(FloatFormat format, short[] bits) {
        long[] all = new long[bits.length];
        Arrays.setAll(all, i -> format.anyNan(bits[i] & 0xffff));
        return all;
    }

    /** Small integers, so that sums are exact in any order. */
    @Test
    void addsVectorsOfFloatsFromManyBlocks() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void sum(float4 *sums, float2 *pairs, float *highest) {
                    int i = blockIdx.x * blockDim.x + threadIdx.x;
                    float4 old;
                    asm volatile("atom.global.add.v4.f32 {%0, %1, %2, %3}, [%4], {%5, %6, 0f3f800000, %7};"
                        : "=f"(old.x), "=f"(old.y), "=f"(old.z), "=f"(old.w)
                        : "l"(sums + i % 5), "f"((float) i), "f"((float) -i), "f"((float) (i % 7)) : "memory");
                    asm volatile("red.relaxed.gpu.global.add.v2.f32 [%0], {%1, %2};"
                        :: "l"(pairs), "f"((float) (i % 3)), "f"(1.f) : "memory");
                    atomicMax((int *) highest, (int) old.z);
                }
                """);
        Buffer sums = device.buffer(new float[20]), pairs = device.buffer(new float[2]), most = device.buffer(0);
        kernel.launch(5, 100, sums, pairs, most);
        float[] expected = new float[20], expectedPairs = new float[2];
        for (int i = 0; i < 500; i++) {
            expected[i % 5 * 4] += i;
            expected[i % 5 * 4 + 1] -= i;
            expected[i % 5 * 4 + 2] += 1;
            expected[i % 5 * 4 + 3] += i % 7;
            expectedPairs[0] += i % 3;
            expectedPairs[1] += 1;
        }
        assertArrayEquals(expected, sums.floats());
        assertArrayEquals(expectedPairs, pairs.floats());
        assertEquals(99, most.ints()[0], "the last of 100 additions finds 99");
    }

    @Test
    void vectorsAreInGlobalMemory() {
        String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> device.kernel("""
                extern "C" __global__ void inside(float *out) {
                    __shared__ float2 box;
                    box = make_float2(1, 2);
                    asm volatile("red.add.v2.f32 [%0], {%1, %1};" :: "l"(&box), "f"(1.f) : "memory");
                    out[0] = box.x;
                }
                """).launch(1, 1, device.buffer(0f)));
        assertTrue(report.contains("on a vector is one on global memory"), report);
        for (String refused : new String[] {"red.shared.add.v2.f32 [%r0], {%f0, %f0}",
            "red.global.add.v2.f16 [%d0], {%h0, %h0}", "red.global.min.v2.f32 [%d0], {%f0, %f0}",
            "red.global.exch.b128 [%d0], {%d0, %d0}", "red.global.add.noftz.v8.f16x2 [%d0], {%r0, %r0}"}) {
            SoftDevice.CudaError error = assertThrows(SoftDevice.CudaError.class, () -> device.ptxModule("""
                    .version 8.6
                    .target sm_90
                    .address_size 64
                    .visible .entry kernel()
                    {
                        .reg .b16 %%h<1>;
                        .reg .b32 %%r<1>;
                        .reg .b64 %%d<1>;
                        .reg .f32 %%f<1>;
                        %s;
                        ret;
                    }
                    """.formatted(refused)));
            assertEquals(CUDA_ERROR_INVALID_PTX, error.result, refused);
            SoftGpu.clearReport();
        }
    }

    @Test
    void tellsConstantFromGlobalAddresses() {
        Kernel kernel = device.kernel("""
                __constant__ int table[4] = {1, 2, 3, 4};
                __constant__ char letter = 'a';
                __device__ int variable;
                extern "C" __global__ void spaces(const int *global, int *out) {
                    __shared__ int box;
                    int own = 3;
                    const void *all[] = {table, table + 3, (char *) (table + 4) - 1, &letter, &variable, global, &box,
                        &own};
                    for (int i = 0; i < 8; ++i) {
                        int constant, other;
                        asm volatile("{ .reg .pred p, q; isspacep.const p, %2; isspacep.global q, %2;"
                            "selp.s32 %0, 1, 0, p; selp.s32 %1, 1, 0, q; }"
                            : "=r"(constant), "=r"(other) : "l"(all[i]));
                        out[i] = constant + 2 * other;
                    }
                }
                """);
        Buffer out = device.buffer(new int[8]);
        kernel.launch(1, 1, device.buffer(1), out);
        assertArrayEquals(new int[] {1, 1, 1, 1, 2, 2, 0, 0}, out.ints());
    }

    /** A reduction: the bytes of its elements, their bits for a number, and what it makes of two. */
    private record Reduced(String operation, int bytes, LongUnaryOperator encode, LongBinaryOperator combine) {
    }

    private static Reduced halves(String operation, FloatFormat format) {
        return new Reduced(operation, 2, number -> format.round(number, HALF_EVEN), (a, b) -> operation.contains("add")
                ? format.add(a, b, HALF_EVEN) : format.value(a) > format.value(b) ? a : b);
    }

    /** Blocks combine what they have in shared memory with global memory, in bulk. */
    @Test
    void combinesInBulk() {
        Reduced[] all = {new Reduced("add.u32", 4, n -> n, Long::sum), new Reduced("min.s32", 4, n -> n, Math::min),
            new Reduced("max.u32", 4, n -> n & 0xffffffffL, Math::max), new Reduced("max.s64", 8, n -> n, Math::max),
            new Reduced("add.u64", 8, n -> n, Long::sum), new Reduced("xor.b64", 8, n -> n, (a, b) -> a ^ b),
            new Reduced("add.f64", 8, n -> Double.doubleToLongBits(n),
                    (a, b) -> Double.doubleToLongBits(Double.longBitsToDouble(a) + Double.longBitsToDouble(b))),
            halves("add.noftz.f16", F16), halves("max.bf16", BF16)};
        final int bytes = 512, blocks = 3;
        for (Reduced reduced : all) {
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void reduce(const unsigned *from, unsigned *to) {
                        __shared__ __align__(16) unsigned box[128];
                        box[threadIdx.x] = from[128 * blockIdx.x + threadIdx.x];
                        __syncthreads();
                        if (threadIdx.x == 0) {
                            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
                            asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.%s [%%0], [%%1], 512;"
                                :: "l"(to), "r"((unsigned) __cvta_generic_to_shared(box)) : "memory");
                            asm volatile("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;" ::: "memory");
                        }
                    }
                    """.formatted(reduced.operation));
            int count = bytes / reduced.bytes;
            ByteBuffer from = ByteBuffer.allocate(bytes * blocks).order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer to = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer expected = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                long value = reduced.encode.applyAsLong(random.nextInt(200) - 100);
                put(to, i, reduced.bytes, value);
                for (int block = 0; block < blocks; block++) {
                    long operand = reduced.encode.applyAsLong(random.nextInt(200) - 100);
                    put(from, count * block + i, reduced.bytes, operand);
                    value = reduced.combine.applyAsLong(value, operand);
                }
                put(expected, i, reduced.bytes, value);
            }
            Buffer result = device.buffer(to.array());
            kernel.launch(blocks, 128, device.buffer(from.array()), result);
            assertArrayEquals(expected.array(), result.bytes(), reduced.operation);
        }
    }

    private static void put(ByteBuffer to, int index, int bytes, long value) {
        for (int b = 0; b < bytes; b++) {
            to.put(index * bytes + b, (byte) (value >> 8 * b));
        }
    }
}
