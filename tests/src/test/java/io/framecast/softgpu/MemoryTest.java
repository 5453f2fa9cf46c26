package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import jcuda.Pointer;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** State spaces and the accesses to them; atomics, asynchronous copies and barriers. All checks are on. */
class MemoryTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    // ---- Loads and stores -------------------------------------------------------------------------------------------

    /** Through global, shared and local memory, by the compiler's instructions for each type. */
    @Test
    void movesValuesOfEveryWidthThroughEverySpace() {
        String template = """
                extern "C" __global__ void NAME(const TYPE *__restrict__ in, TYPE *out, int n) {
                    __shared__ TYPE shared[64];
                    TYPE local[64];
                    int t = threadIdx.x;
                    shared[t] = in[t];
                    __syncthreads();
                    for (int i = 0; i < n; ++i) local[(i * 7 + t) % 64] = shared[i];
                    // Generic addresses, of each space.
                    TYPE *from = t % 3 == 0 ? &shared[t * 5 % 64] : t % 3 == 1 ? &local[t] : out + t;
                    out[t] = in[63 - t];
                    out[64 + t] = local[(t * 2 + t) % 64];
                    __syncthreads();
                    out[128 + t] = *from;
                    __syncthreads();
                    *from = in[t];
                    out[192 + t] = t % 3 == 1 ? local[t] : in[t];
                }
                """;
        List<String> types = List.of("char", "unsigned char", "short", "unsigned short", "int", "long long", "float",
                "double", "char2", "uchar4", "short2", "ushort4", "int2", "uint4", "float2", "float4", "longlong2",
                "double2");
        int[] sizes = {1, 1, 2, 2, 4, 8, 4, 8, 2, 4, 4, 8, 8, 16, 8, 16, 16, 16};
        StringBuilder source = new StringBuilder();
        for (String type : types) {
            source.append(template.replace("NAME", "move_" + type.replace(' ', '_')).replace("TYPE", type));
        }
        String ptx = device.compile(source.toString());
        for (String form : List.of("ld.global.nc.u8", "ld.global.nc.v4.f32", "ld.global.nc.v2.f64", "st.shared.v4.f32",
                "ld.global.nc.v4.u16", "st.v2.f64", "st.v2.u8", "ld.v4.u32",
                "st.local.v4.u32")) {
            assertTrue(ptx.contains(form), form);
        }
        Module module = device.module(source.toString());
        for (int k = 0; k < sizes.length; ++k) {
            int size = sizes[k];
            byte[] in = new byte[64 * size];
            new Random(k).nextBytes(in);
            Buffer out = device.buffer(new byte[256 * size]);
            module.kernel("move_" + types.get(k).replace(' ', '_')).launch(1, 64, device.buffer(in), out, 64);
            byte[] expected = new byte[256 * size];
            for (int t = 0; t < 64; ++t) {
                // local[(i * 7 + t) % 64] is in[i], and 55 * 7 is 1 in this arithmetic.
                int moved = 55 * ((3 * t) % 64 - t + 64) % 64;
                int generic = t % 3 == 0 ? t * 5 % 64 : t % 3 == 1 ? 0 : 63 - t;
                int[] from = {63 - t, moved, generic, t};
                for (int part = 0; part < 4; ++part) {
                    System.arraycopy(in, from[part] * size, expected, (part * 64 + t) * size, size);
                }
                if (t % 3 == 2) {
                    System.arraycopy(in, t * size, expected, t * size, size); // Written through the pointer.
                }
            }
            assertArrayEquals(expected, out.bytes(), types.get(k));
        }
    }

    /** A register may be wider than the loaded value, which is then sign- or zero-extended; a store truncates. */
    @Test
    void extendsAndCutsToTheRegister() {
        StringBuilder source = new StringBuilder(
                "extern \"C\" __global__ void extend(const void *in, long long *out) {\n"
                + "long long l; int i; short h; int n = 0;\n");
        String[] types = {"s8", "u8", "b8", "s16", "u16", "b16", "s32", "u32", "b32"};
        for (String type : types) {
            boolean sixteen = type.endsWith("8") || type.endsWith("16");
            source.append("asm volatile(\"ld.global.TYPE %0, [%1];\" : \"=l\"(l) : \"l\"(in)); out[n++] = l;\n"
                    .replace("TYPE", type));
            source.append("asm volatile(\"ld.volatile.global.TYPE %0, [%1];\" : \"=r\"(i) : \"l\"(in)); out[n++] = i;\n"
                    .replace("TYPE", type));
            if (sixteen) {
                source.append("asm volatile(\"ld.global.TYPE %0, [%1];\" : \"=h\"(h) : \"l\"(in)); out[n++] = h;\n"
                        .replace("TYPE", type));
            }
            source.append("out[n] = -1; asm volatile(\"st.global.TYPE [%0], %1;\" :: \"l\"(out + n++), \"l\"(~l));\n"
                    .replace("TYPE", type));
        }
        Kernel kernel = device.kernel(source.append('}').toString());
        for (long value : new long[] {0x80f1_8081_9394_a5b6L, 0x7071_7273_7475_7677L, 0xff80, 0x8000_0000L}) {
            Buffer out = device.buffer(new long[40]);
            kernel.launch(1, 1, device.buffer(value), out);
            long[] expected = new long[40];
            int n = 0;
            for (String type : types) {
                int bits = Integer.parseInt(type.substring(1));
                long filled = type.startsWith("s") ? value << 64 - bits >> 64 - bits : value << 64 - bits >>> 64 - bits;
                expected[n++] = filled;
                expected[n++] = (int) filled;
                if (bits <= 16) {
                    expected[n++] = (short) filled;
                }
                expected[n++] = -1L << bits | ~filled & (1L << bits) - 1;
            }
            assertArrayEquals(expected, out.longs(), Long.toHexString(value));
        }
    }

    @Test
    void tellsTheSpacesOfGenericAddressesApart() {
        Kernel kernel = device.kernel("""
                __device__ int variable;
                __device__ __noinline__ int spaces(const void *p) {
                    int r = 0, s;
                    asm("{ .reg .pred p; isspacep.global p, %1; selp.s32 %0, 1, 0, p; }" : "=r"(s) : "l"(p)); r |= s;
                    asm("{ .reg .pred p; isspacep.shared p, %1; selp.s32 %0, 2, 0, p; }" : "=r"(s) : "l"(p)); r |= s;
                    asm("{ .reg .pred p; isspacep.local p, %1; selp.s32 %0, 4, 0, p; }" : "=r"(s) : "l"(p)); r |= s;
                    return r;
                }
                extern "C" __global__ void which(int *out, int n) {
                    __shared__ int shared[8];
                    extern __shared__ int dynamic[];
                    int local[8];
                    int t = threadIdx.x;
                    void *all[] = {out + t, &variable, shared + t, dynamic + 3, local + n, local + n + t};
                    out[t] = spaces(all[t]);
                    // To a space's own address and back it is the same; and 32 bits are enough for shared memory.
                    dynamic[t] = 10 * t;
                    local[n + t] = t;
                    unsigned long long address;
                    asm volatile("{ .reg .u64 a; cvta.to.shared.u64 a, %1; add.u64 a, a, 4; cvta.shared.u64 %0, a; }"
                        : "=l"(address) : "l"(dynamic + t));
                    __syncthreads();
                    out[8 + t] = t < 5 ? *(int *)address : 0;
                    asm volatile("{ .reg .u64 a; cvta.to.local.u64 a, %1; ld.local.u32 %0, [a]; }"
                        : "=r"(out[16 + t]) : "l"(local + n + t) : "memory");
                    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(out[24 + t])
                        : "r"((unsigned)__cvta_generic_to_shared(dynamic + t)));
                    asm volatile("{ .reg .u64 a; cvta.to.global.u64 a, %0; st.global.u32 [a], %1; }"
                        :: "l"(out + 32 + t), "r"(t) : "memory");
                }
                """);
        Buffer out = device.buffer(new int[40]);
        kernel.shared(64).launch(1, 6, out, 1);
        int[] expected = new int[40];
        System.arraycopy(new int[] {1, 1, 2, 2, 4, 4}, 0, expected, 0, 6);
        for (int t = 0; t < 6; ++t) {
            expected[8 + t] = t < 5 ? 10 * t + 10 : 0;
            expected[16 + t] = t;
            expected[24 + t] = 10 * t;
            expected[32 + t] = t;
        }
        assertArrayEquals(expected, out.ints());
    }

    // ---- Variables --------------------------------------------------------------------------------------------------

    @Test
    void initializesVariablesAndReachesThemFromOutside() {
        String source = """
                struct Entry { char tag; double x; const int *from; };
                __device__ int numbers[5] = {1, -2, 3, -4, 5};
                __device__ int zeros[3];
                __device__ int *middle = numbers + 2;
                __device__ int **chain = &middle;
                __constant__ short table[4] = {10, 20, 30, 40};
                __constant__ Entry entries[2] = {{'a', 0.5, numbers + 1}, {'b', -1e300, 0}};
                __device__ const char *const names[2] = {"one", "three"};
                __device__ unsigned char flags = 0xfe;
                extern "C" __global__ void read(int *out) {
                    int i = threadIdx.x;
                    out[0] = (*chain)[i - 1];
                    out[1] = zeros[i] + table[i] + table[i + 1];
                    out[2] = entries[i].from ? *entries[i].from : -99;
                    out[3] = entries[i + 1].tag + (entries[i + 1].x == -1e300) + (entries[i + 1].from == 0);
                    out[4] = names[i + 1][2] - names[i][1];
                    out[5] = flags++;
                    zeros[i + 2] = 77;
                }
                """;
        Module module = device.module(source);
        Buffer out = device.buffer(new int[6]);
        Kernel kernel = module.kernel("read");
        kernel.launch(1, 1, out);
        assertArrayEquals(new int[] {-2, 30, -2, 'b' + 2, 'r' - 'n', 0xfe}, out.ints());
        Buffer table = module.variable("table");
        assertEquals(8, table.size());
        check(cuMemcpyHtoD(table.pointer(), Pointer.to(new short[] {-5, 7}), 4));
        check(cuMemcpyHtoD(module.variable("numbers").at(4), Pointer.to(new int[] {1234}), 4));
        kernel.launch(1, 1, out);
        assertArrayEquals(new int[] {1234, 2, 1234, 'b' + 2, 'r' - 'n', 0xff}, out.ints());
        assertArrayEquals(new int[] {0, 0, 77}, module.variable("zeros").ints());
        // Another load of it has variables of its own.
        device.module(source).kernel("read").launch(1, 1, out);
        assertArrayEquals(new int[] {-2, 30, -2, 'b' + 2, 'r' - 'n', 0xfe}, out.ints());
    }

    @Test
    void givesEachKernelItsSharedMemory() {
        Module module = device.module("""
                __shared__ int common[10];
                __device__ __noinline__ int first() { return common[0]; }
                extern "C" __global__ void both(int *out, int words) {
                    __shared__ char odd[3];
                    __shared__ double wide[4];
                    extern __shared__ int dynamic[];
                    int t = threadIdx.x;
                    if (t < 10) common[t] = 1000 + t;
                    if (t < 3) odd[t] = t + 1;
                    if (t < 4) wide[t] = t + 0.5;
                    for (int i = t; i < words; i += 32) dynamic[i] = i;
                    __syncthreads();
                    int sum = first() + common[t % 10] + odd[t % 3] + (int)(2 * wide[t % 4]);
                    for (int i = 0; i < words; ++i) sum += dynamic[i] ^ t;
                    unsigned size;
                    asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(size));
                    out[t] = sum + size;
                }
                extern "C" __global__ void alone(int *out) {
                    __shared__ int own[32];
                    extern __shared__ double others[];
                    own[threadIdx.x] = threadIdx.x;
                    others[threadIdx.x] = 0.25 * threadIdx.x;
                    __syncthreads();
                    out[threadIdx.x] = own[31 - threadIdx.x] + (int)(4 * others[31 - threadIdx.x]);
                }
                """);
        Buffer out = device.buffer(new int[32]);
        for (int words : new int[] {1, 1000, 25_000}) {
            module.kernel("both").shared(4 * words).launch(1, 32, out, words);
            assertArrayEquals(IntStream.range(0, 32).map(t -> 1000 + 1000 + t % 10 + t % 3 + 1 + 2 * (t % 4) + 1
                    + IntStream.range(0, words).map(i -> i ^ t).sum() + 4 * words).toArray(), out.ints());
        }
        module.kernel("alone").shared(256).launch(1, 32, out);
        assertArrayEquals(IntStream.range(0, 32).map(t -> 2 * (31 - t)).toArray(), out.ints());
    }

    // ---- cp.async ---------------------------------------------------------------------------------------------------

    private static final String COPIES = """
            #define COPY(KIND, TO, FROM, SIZE) asm volatile("cp.async." KIND ".shared.global [%0], [%1], " #SIZE ";" \\
                :: "r"((unsigned)__cvta_generic_to_shared(TO)), "l"(FROM) : "memory")
            #define COMMIT() asm volatile("cp.async.commit_group;" ::: "memory")
            #define WAIT(N) asm volatile("cp.async.wait_group " #N ";" ::: "memory")
            """;

    /** A read before the wait returns the old contents. Checks are off, since they would stop the read. */
    @Test
    void showsCopiesAfterTheirWaitAndNotBefore() {
        Kernel kernel = device.kernel(COPIES + """
                extern "C" __global__ void stages(const int *in, int *out) {
                    __shared__ alignas(16) volatile int box[32][8];
                    int t = threadIdx.x;
                    volatile int *b = box[t];
                    for (int i = 0; i < 8; ++i) b[i] = -1;
                    in += 8 * t;
                    out += 40 * t;
                    COPY("ca", (int *)b, in, 4);
                    COMMIT();
                    COPY("ca", (int *)b + 2, in + 2, 8);
                    if (t & 1) COMMIT();
                    COPY("cg", (int *)b + 4, in + 4, 16);
                    COMMIT();
                    COPY("ca", (int *)b + 1, in + 1, 4);
                    for (int i = 0; i < 8; ++i) out[i] = b[i];
                    WAIT(2);
                    for (int i = 0; i < 8; ++i) out[8 + i] = b[i];
                    WAIT(1);
                    for (int i = 0; i < 8; ++i) out[16 + i] = b[i];
                    WAIT(0);
                    for (int i = 0; i < 8; ++i) out[24 + i] = b[i];
                    asm volatile("cp.async.wait_all;" ::: "memory");
                    for (int i = 0; i < 8; ++i) out[32 + i] = b[i];
                }
                """);
        SoftGpu.configure("checks=none");
        int[] in = new Random(9).ints(256, 0, 1000).toArray();
        Buffer out = device.buffer(new int[40 * 32]);
        kernel.launch(1, 32, device.buffer(in), out);
        int[] expected = new int[40 * 32];
        Arrays.fill(expected, -1);
        for (int t = 0; t < 32; ++t) {
            // The step from which each word is available. Odd threads have a third group, with the second copy only.
            int[] from = t % 2 != 0 ? new int[] {1, 4, 2, 2, 3, 3, 3, 3} : new int[] {2, 4, 3, 3, 3, 3, 3, 3};
            for (int step = 0; step < 5; ++step) {
                for (int i = 0; i < 8; ++i) {
                    if (step >= from[i]) {
                        expected[40 * t + 8 * step + i] = in[8 * t + i];
                    }
                }
            }
        }
        assertArrayEquals(expected, out.ints());
    }

    @Test
    void refusesToReadWhatIsStillBeingCopied() {
        Kernel kernel = device.kernel(COPIES + """
                extern "C" __global__ void early(const int *in, int *out, int wait) {
                    __shared__ int box[32];
                    COPY("ca", box + threadIdx.x, in + threadIdx.x, 4);
                    COMMIT();
                    if (wait) WAIT(0);
                    if (wait > 1) __syncthreads();
                    out[threadIdx.x] = box[wait ? threadIdx.x ^ 1 : threadIdx.x];
                }
                """);
        Buffer in = device.buffer(IntStream.range(0, 32).toArray());
        Buffer out = device.buffer(new int[32]);
        kernel.launch(1, 32, in, out, 2);
        assertArrayEquals(IntStream.range(0, 32).map(t -> t ^ 1).toArray(), out.ints());
        String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(1, 32, in, out, 0));
        assertTrue(report.contains("cp.async"), report);
    }

    /** Only some of the 16 bytes are read, and the rest are zeros: the source ends there. */
    @Test
    void fillsUpAsynchronousCopiesWithZeros() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void partial(const char *in, int *out, const int *sizes) {
                    __shared__ alignas(16) int box[8 * 4];
                    int t = threadIdx.x;
                    for (int i = 0; i < 4; ++i) box[4 * t + i] = -1;
                    unsigned to = (unsigned)__cvta_generic_to_shared(box + 4 * t);
                    if (t < 7)
                        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to),
                            "l"(in + 16 * t), "r"(sizes[t]) : "memory");
                    else
                        asm volatile("{ .reg .pred p; setp.ne.s32 p, %2, 0; "
                            "cp.async.ca.shared.global [%0+4], [%1], 4, p; }"
                            :: "r"(to), "l"((const char *)0), "r"(1) : "memory");
                    asm volatile("cp.async.wait_all;" ::: "memory");
                    __syncwarp();
                    for (int i = 0; i < 4; ++i) out[4 * t + i] = box[4 * t + i];
                }
                """);
        int[] sizes = {16, 0, 1, 3, 4, 15, 9, 0};
        byte[] in = new byte[6 * 16 + 9];
        new Random(10).nextBytes(in);
        Buffer out = device.allocate(128);
        kernel.launch(1, 8, device.buffer(in), out, device.buffer(sizes));
        byte[] expected = new byte[128];
        for (int t = 0; t < 7; ++t) {
            System.arraycopy(in, 16 * t, expected, 16 * t, sizes[t]);
        }
        Arrays.fill(expected, 112, 116, (byte) -1);
        Arrays.fill(expected, 120, 128, (byte) -1);
        assertArrayEquals(expected, out.bytes());
    }

    // ---- Atomics ----------------------------------------------------------------------------------------------------

    /** From 24 blocks at once; the order does not matter. */
    @Test
    void keepsAtomicsOfManyBlocksExact() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void atomics(int *i, long long *l, float *f, double *d, int *olds) {
                    int t = blockIdx.x * blockDim.x + threadIdx.x;          // of 24 * 64 = 1536
                    int hash = t * 0x9e3779b1;
                    long long hash64 = t * 0x9e3779b97f4a7c15ll;
                    olds[t] = atomicAdd(i, 1);
                    atomicAdd(i + 1, -t);
                    atomicSub((unsigned *)i + 2, 3u);
                    atomicMin(i + 3, hash);
                    atomicMax(i + 4, hash);
                    atomicMin((unsigned *)i + 5, (unsigned)hash);
                    atomicMax((unsigned *)i + 6, (unsigned)hash);
                    atomicAnd(i + 7, ~(1 << t % 29));
                    atomicOr(i + 8, 1 << t % 23);
                    atomicXor(i + 9, hash);
                    olds[1536 + t] = atomicInc((unsigned *)i + 10, 99);
                    olds[2 * 1536 + t] = atomicDec((unsigned *)i + 11, 59);
                    olds[3 * 1536 + t] = atomicExch(i + 12, t);
                    for (int old = ((volatile int *)i)[13], seen;; old = seen) {
                        seen = atomicCAS(i + 13, old, old + 2 * t);
                        if (seen == old) break;
                    }
                    asm volatile("red.global.add.noftz.f16x2 [%0], %1;" :: "l"(i + 14), "r"(0x40003c00) : "memory");
                    asm volatile("red.global.add.noftz.f16 [%0], %1;" :: "l"(i + 15), "h"((short)0xbc00) : "memory");
                    unsigned short seen16 = 0, old16;
                    do {
                        old16 = seen16;
                        asm volatile("atom.global.cas.b16 %0, [%1], %2, %3;" : "=h"(seen16)
                            : "l"((short *)(i + 16) + 1), "h"(old16), "h"((unsigned short)(old16 + 1)) : "memory");
                    } while (seen16 != old16);
                    atomicAdd((unsigned long long *)l, (unsigned long long)t << 33);
                    atomicMin(l + 1, hash64);
                    atomicMax(l + 2, hash64);
                    atomicMin((unsigned long long *)l + 3, (unsigned long long)hash64);
                    atomicMax((unsigned long long *)l + 4, (unsigned long long)hash64);
                    atomicXor((unsigned long long *)l + 5, (unsigned long long)hash64);
                    atomicAnd((unsigned long long *)l + 6, ~(1ull << t % 61));
                    atomicOr((unsigned long long *)l + 7, 1ull << t % 59);
                    if (atomicExch((unsigned long long *)l + 8, t + 1) == 0) atomicAdd(i + 17, 1);
                    for (unsigned long long old = 0, seen;; old = seen) {
                        seen = atomicCAS((unsigned long long *)l + 9, old, old + ((1ll << 32) + 1));
                        if (seen == old) break;
                    }
                    atomicAdd(f, t * 0.25f);
                    atomicAdd(d, -t * 0x1p-30);
                    asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" :: "l"(f + 1), "f"(0.5f) : "memory");
                }
                """);
        int n = 1536;
        Buffer ints = device.buffer(0, 0, 0, Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 0, -1, 0, 0, 0, 1000, -1, 0,
                0, 0, 0, 0);
        Buffer longs = device.buffer(0, Long.MAX_VALUE, Long.MIN_VALUE, -1, 0, 0, -1, 0, 0, 0);
        Buffer floats = device.buffer(0f, 0f);
        Buffer doubles = device.buffer(0d);
        Buffer olds = device.buffer(new int[4 * n]);
        kernel.launch(24, 64, ints, longs, floats, doubles, olds);
        int[] hashes = IntStream.range(0, n).map(t -> t * 0x9e3779b1).toArray();
        long[] hashes64 = LongStream.range(0, n).map(t -> t * 0x9e3779b97f4a7c15L).toArray();
        int sum = n * (n - 1) / 2;
        int[] old = olds.ints();
        int[] i = ints.ints();
        // 1 adds up exactly to 2048 in f16, and so does 2 to 4096: 1536 is 0x6600, 3072 is 0x6a00.
        int[] expected = {n, -sum, -3 * n, Arrays.stream(hashes).min().orElseThrow(),
            Arrays.stream(hashes).max().orElseThrow(),
            Arrays.stream(hashes).reduce((a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b).orElseThrow(),
            Arrays.stream(hashes).reduce((a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b).orElseThrow(),
            -1 << 29, (1 << 23) - 1, Arrays.stream(hashes).reduce(0, (a, b) -> a ^ b), n % 100,
            // 1000 is above the limit and becomes 59. From there it counts down through 60 values.
            (60 - n % 60) % 60, i[12], 2 * sum, 0x6a006600, 0xe600, n << 16, 1};
        assertArrayEquals(expected, i);
        assertArrayEquals(new long[] {(long) sum << 33, Arrays.stream(hashes64).min().orElseThrow(),
            Arrays.stream(hashes64).max().orElseThrow(),
            Arrays.stream(hashes64).reduce((a, b) -> Long.compareUnsigned(a, b) < 0 ? a : b).orElseThrow(),
            Arrays.stream(hashes64).reduce((a, b) -> Long.compareUnsigned(a, b) > 0 ? a : b).orElseThrow(),
            Arrays.stream(hashes64).reduce(0, (a, b) -> a ^ b), -1L << 61, (1L << 59) - 1, longs.longs()[8],
            n * ((1L << 32) + 1)}, longs.longs());
        assertArrayEquals(new float[] {sum * 0.25f, n * 0.5f}, floats.floats());
        assertArrayEquals(new double[] {-sum * 0x1p-30}, doubles.doubles());
        assertArrayEquals(IntStream.range(0, n).toArray(), sorted(old, 0));
        assertArrayEquals(IntStream.range(0, n).map(t -> t % 100).sorted().toArray(), sorted(old, 1));
        assertArrayEquals(IntStream.range(0, n).map(t -> t == 0 ? 1000 : (60 - t % 60) % 60).sorted().toArray(),
                sorted(old, 2));
        // Each value was exchanged once for the next: the value that no thread received is left in memory.
        int[] exchanged = IntStream.concat(IntStream.of(i[12]), Arrays.stream(old, 3 * n, 4 * n)).sorted().toArray();
        assertArrayEquals(IntStream.range(-1, n).toArray(), exchanged);
    }

    private static int[] sorted(int[] olds, int part) {
        return Arrays.stream(olds, part * 1536, part * 1536 + 1536).sorted().toArray();
    }

    @Test
    void hasAtomicsOnSharedAndGenericAddresses() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void tally(const int *in, int *out, float *sum) {
                    __shared__ int bins[16];
                    __shared__ float total;
                    __shared__ unsigned long long wide;
                    int t = threadIdx.x;
                    if (t < 16) bins[t] = 0;
                    if (t == 0) { total = 0; wide = 0; }
                    __syncthreads();
                    atomicAdd(&bins[in[t] & 15], 1);
                    atomicAdd(&total, 0.125f * in[t]);
                    atomicAdd(&wide, 1ull << 40);
                    int *generic = t % 2 ? out + 16 : bins + 3;
                    atomicMax(generic, 1000 + t);
                    __syncthreads();
                    if (t < 16) out[t] = bins[t];
                    if (t == 0) { sum[0] = total; sum[1] = wide >> 40; }
                }
                """);
        int[] in = new Random(11).ints(256, 0, 1000).toArray();
        Buffer out = device.buffer(new int[17]);
        Buffer sum = device.buffer(0f, 0f);
        kernel.launch(1, 256, device.buffer(in), out, sum);
        int[] expected = new int[17];
        for (int value : in) {
            ++expected[value & 15];
        }
        int[] actual = out.ints();
        expected[16] = 1255;
        // Increments before and after the maximum.
        assertTrue(actual[3] >= 1254 && actual[3] <= 1254 + expected[3], Arrays.toString(actual));
        actual[3] = expected[3];
        assertArrayEquals(expected, actual);
        assertArrayEquals(new float[] {0.125f * Arrays.stream(in).sum(), 256}, sum.floats());
    }

    // ---- Barriers and fences ----------------------------------------------------------------------------------------

    @Test
    void hasBarriersWithNumbersCountsAndReductions() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void rounds(const int *in, int *out) {
                    __shared__ int box[128];
                    int t = threadIdx.x, half = t / 64, x = in[t], sum = 0;
                    // Each half by a barrier of its own, in a loop of another length.
                    for (int i = 0; i < 3 + half; ++i) {
                        box[t] = x + i;
                        asm volatile("bar.sync %0, 64;" :: "r"(1 + half) : "memory");
                        sum = sum * 3 + box[half * 64 + (t + 33) % 64];
                        asm volatile("bar.sync %0, %1;" :: "r"(1 + half), "r"(64) : "memory");
                    }
                    out[t] = sum;
                    out[128 + t] = __syncthreads_count(x > 50);
                    out[256 + t] = __syncthreads_and(x > 50) * 2 + __syncthreads_or(x > 50);
                    out[384 + t] = __syncthreads_and(x >= 0) * 2 + __syncthreads_or(x < 0);
                    asm volatile("{ .reg .pred p; setp.gt.s32 p, %1, 50; barrier.red.popc.aligned.u32 %0, %2, 64, p; }"
                        : "=r"(out[512 + t]) : "r"(x), "r"(4 + half) : "memory");
                }
                """);
        int[] in = new Random(12).ints(128, 0, 100).toArray();
        Buffer out = device.buffer(new int[640]);
        kernel.launch(1, 128, device.buffer(in), out);
        int[] expected = new int[640];
        int[] halves = new int[2];
        for (int t = 0; t < 128; ++t) {
            halves[t / 64] += in[t] > 50 ? 1 : 0;
        }
        for (int t = 0; t < 128; ++t) {
            for (int i = 0; i < 3 + t / 64; ++i) {
                expected[t] = expected[t] * 3 + in[t / 64 * 64 + (t + 33) % 64] + i;
            }
            expected[128 + t] = halves[0] + halves[1];
            expected[256 + t] = 1;
            expected[384 + t] = 2;
            expected[512 + t] = halves[t / 64];
        }
        assertArrayEquals(expected, out.ints());
    }

    /** A thread count of a barrier counts full warps; the last warp may have fewer threads. */
    @Test
    void countsAPartialWarpAsAWholeOne() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void uneven(int *out) {
                    __shared__ int box[40];
                    int t = threadIdx.x;
                    box[t] = t;
                    asm volatile("bar.sync 1, 64;" ::: "memory");
                    int x = box[39 - t];
                    if (t < 32) asm volatile("bar.sync 2, 64;" ::: "memory");
                    else asm volatile("bar.arrive 2, 64;" ::: "memory");
                    if (t < 32) box[39 - t] = 2 * x;
                    __syncthreads();
                    out[t] = box[t];
                }
                """);
        Buffer out = device.buffer(new int[40]);
        kernel.launch(1, 40, out);
        assertArrayEquals(IntStream.range(0, 40).map(t -> t > 7 ? 2 * t : t).toArray(), out.ints());
    }

    @Test
    void letsProducersGoOnAfterTheyArrived() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void pipeline(const int *in, int *out, int rounds) {
                    __shared__ int box[2][32];
                    int lane = threadIdx.x % 32;
                    if (threadIdx.x < 32) {
                        for (int r = 0; r < rounds; ++r) {
                            asm volatile("bar.sync %0, 64;" :: "r"(3 + r % 2) : "memory");      // until it is empty
                            box[r % 2][lane] = in[r * 32 + lane];
                            asm volatile("bar.arrive %0, 64;" :: "r"(1 + r % 2) : "memory");    // it is full
                        }
                    } else {
                        asm volatile("bar.arrive 3, 64;" ::: "memory");
                        asm volatile("bar.arrive 4, 64;" ::: "memory");
                        for (int r = 0; r < rounds; ++r) {
                            asm volatile("bar.sync %0, 64;" :: "r"(1 + r % 2) : "memory");
                            out[r * 32 + lane] = 2 * box[r % 2][31 - lane];
                            if (r + 2 < rounds) asm volatile("bar.arrive %0, 64;" :: "r"(3 + r % 2) : "memory");
                        }
                    }
                }
                """);
        int[] in = new Random(13).ints(9 * 32).toArray();
        Buffer out = device.buffer(new int[9 * 32]);
        kernel.launch(1, 64, device.buffer(in), out, 9);
        assertArrayEquals(IntStream.range(0, 9 * 32).map(i -> 2 * in[i / 32 * 32 + 31 - i % 32]).toArray(), out.ints());
    }

    @Test
    void letsTheLastBlockReadWhatTheOthersWrote() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void sum(const int *in, int *parts, unsigned *done, int *out, int n) {
                    __shared__ int box[64];
                    __shared__ bool last;
                    int t = threadIdx.x, s = 0;
                    for (int i = blockIdx.x * 64 + t; i < n; i += gridDim.x * 64) s += in[i];
                    box[t] = s;
                    for (int w = 32; w > 0; w /= 2) {
                        __syncthreads();
                        if (t < w) box[t] += box[t + w];
                    }
                    if (t == 0) {
                        parts[blockIdx.x] = box[0];
                        __threadfence();
                        last = atomicInc(done, gridDim.x - 1) == gridDim.x - 1;
                    }
                    __syncthreads();
                    if (!last) return;
                    s = 0;
                    if (t == 0) {
                        for (int b = 0; b < gridDim.x; ++b) s += parts[b];
                        out[0] = s;
                    }
                }
                """);
        int[] in = new Random(14).ints(5000).toArray();
        Buffer done = device.buffer(0);
        Buffer out = device.buffer(0);
        for (int blocks : new int[] {1, 2, 13, 40}) {
            kernel.launch(blocks, 64, device.buffer(in), device.allocate(4L * blocks), done, out, in.length);
            assertArrayEquals(new int[] {Arrays.stream(in).sum()}, out.ints());
        }
        assertArrayEquals(new int[] {0}, done.ints());
    }

    /** Each block waits for the one before it, by a release and an acquire. */
    @Test
    void handsValuesFromBlockToBlock() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void chain(const int *in, int *prefix, int *ready) {
                    int b = blockIdx.x, before = 0;
                    if (b > 0) {
                        for (int seen = 0; !seen;)
                            asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(ready + b - 1)
                                         : "memory");
                        before = prefix[b - 1];
                    }
                    prefix[b] = before + in[b];
                    asm volatile("st.release.gpu.global.u32 [%0], 1;" :: "l"(ready + b) : "memory");
                }
                """);
        SoftGpu.configure("threads=2");
        int[] in = new Random(15).ints(200).toArray();
        int[] expected = in.clone();
        Arrays.parallelPrefix(expected, Integer::sum);
        for (int launch = 0; launch < 20; ++launch) {
            Buffer out = device.allocate(800);
            kernel.launch(200, 1, device.buffer(in), out, device.buffer(new int[200]));
            assertArrayEquals(expected, out.ints());
        }
    }
}
