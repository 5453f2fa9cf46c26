package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.JCudaDriver.cuMemsetD32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Values read from memory that nothing has written: they may go wherever no result depends on them, and are reported
 * where one does, with the read that they come from.
 */
class UndefinedValueTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("threads=1,compute=90");

    /** Declarations before a kernel, and its body, for 32 threads, {@code n} of which have data: {@code i < n}. */
    record Program(String name, String before, String body) {
        String source() {
            return before + """

                    extern "C" __global__ void kernel(int *out, int *fresh, int n) {
                    __shared__ int s[64];
                    int i = threadIdx.x;
                    if (i < n) s[i] = i + 1;
                    __syncthreads();
                    """ + body + "\n}\n";
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * The line of the program that ends in {@code // LOAD} reads what is undefined, and the one that ends in
     * {@code // USE} is reported; in the twin, {@code @} is replaced so that nothing is.
     */
    record Use(Program program, String bug, String correction, int user, int reader, String... words) {
        String source(String choice) {
            return program.source().replace("@", choice);
        }

        @Override
        public String toString() {
            return program.name;
        }
    }

    private static final int COUNT = 20;

    private static Use use(String name, String before, String body, String bug, String correction, int user, int reader,
            String... words) {
        return new Use(new Program(name, before, body), bug, correction, user, reader, words);
    }

    private static final String REDUCE = """
            __device__ __forceinline__ int sum(int v) {
                for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(~0u, v, d);
                return v;
            }
            """;

    private static final String CALLEE = """
            __device__ __noinline__ int twice(int v) {
                asm volatile("");
                return v * 2;
            }
            __device__ __noinline__ int depth(int v, int n) {
                return n == 0 ? v : depth(v + 1, n - 1) + v;
            }
            """;

    private static final String TENSOR = """
            __device__ __forceinline__ void mma(float *d, const unsigned *a, const unsigned *b) {
                asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"
                    " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
            }
            """;

    static Stream<Use> uses() {
        return Stream.of(
                use("a sum whose first lanes need undefined ones", REDUCE, """
                        int v = s[i];  // LOAD
                        v = sum(i < @ ? v : 0);
                        if (i == 0) out[0] = v;  // USE
                        """, "21", "20", 0, 20, "an undefined value is stored at 0x"),
                use("shuffle from an undefined lane", "", """
                        int v = s[i];  // LOAD
                        v = __shfl_sync(~0u, v, i ^ 31);
                        if (i == @) out[i] = v;  // USE
                        """, "3", "30", 3, 28),
                use("lane of a shuffle", "", """
                        int v = s[i];  // LOAD
                        out[i] = __shfl_sync(~0u, i, i < @ ? v & 31 : 0);  // USE
                        """, "32", "20", 20, 20, "what they read"),
                use("match", "", """
                        int v = s[i];  // LOAD
                        out[i] = __match_any_sync(~0u, i < @ ? v : 0);  // USE
                        """, "32", "20", 20, 20),
                use("vote that undefined lanes decide", "", """
                        int v = s[i];  // LOAD
                        if (__any_sync(~0u, v == @)) out[i] = 1;  // USE
                        """, "100", "3", 0, 20, "a branch depends on an undefined value"),
                use("sum over a warp", "", """
                        int v = s[i];  // LOAD
                        int w = __reduce_add_sync(~0u, i < @ ? v : 0);
                        if (i == 1) out[0] = w;  // USE
                        """, "32", "20", 1, 20),
                use("branch", "", """
                        int v = s[i + @];  // LOAD
                        if (i < 20 && v > 5) out[i] = __activemask();  // USE
                        """, "4", "0", 16, 16, "undefined value"),
                use("address", "", """
                        int v = s[i];  // LOAD
                        if (i < @) out[v & 7] = i;  // USE
                        """, "21", "8", 20, 20, "an undefined value is used as an address"),
                use("index of a jump", "", """
                        int v = s[i];  // LOAD
                        if (i < @) asm volatile("{ .reg .u32 r; shr.u32 r, %0, 31; all: .branchtargets end;"
                            "brx.idx r, all; end: }" :: "r"(v));  // USE
                        """, "21", "20", 20, 20,
                        "a branch takes an undefined value as its index"),
                use("function of a call", CALLEE + """
                        __device__ __noinline__ int thrice(int v) { return v * 3; }
                        """, """
                        int v = s[i];  // LOAD
                        int (*f)(int) = (i < @ ? v : i) == 7 ? twice : thrice;
                        out[i] = f(i);  // USE
                        """, "21", "20", 20, 20, "undefined value"),
                use("atomic operation", "", """
                        int v = s[i];  // LOAD
                        if (i < @) atomicAdd(out, v);  // USE
                        """, "21", "20", 20, 20, "an atomic operation takes an undefined value as an operand"),
                use("argument of printf", "", """
                        int v = s[i];  // LOAD
                        if (i == @) printf("%d\\n", v);  // USE
                        """, "20", "19", 20, 20, "a function of the system"),
                use("id of a barrier", "", """
                        int v = s[@];  // LOAD
                        asm volatile("bar.sync %0;" :: "r"(v & 1));  // USE
                        """, "40", "4", 0, 0, "a barrier takes an undefined value"),
                use("through shared memory", "", """
                        int v = s[i];  // LOAD
                        s[i + 32] = v * 3;
                        __syncthreads();
                        int w = s[63 - i];
                        if (i == @) out[i] = w;  // USE
                        """, "2", "20", 2, 29),
                use("atomic operation on memory to which one was stored", "", """
                        int v = s[i];  // LOAD
                        s[i + 32] = v;
                        if (i == @) atomicAdd(&s[i + 32], 1);  // USE
                        """, "20", "19", 20, 20, "use of an undefined value that was stored at shared address 0xd0"),
                use("through local memory", "", """
                        volatile int a[4];
                        int v = s[i];  // LOAD
                        a[i & 3] = v;
                        if (i == @) out[i] = a[i & 3];  // USE
                        """, "20", "7", 20, 20),
                use("through a call", CALLEE, """
                        int v = s[i];  // LOAD
                        v = twice(v);
                        if (i == @) out[i] = v;  // USE
                        """, "20", "7", 20, 20),
                use("through recursion", CALLEE, """
                        int v = s[i];  // LOAD
                        v = depth(v, 3);
                        if (i == @) out[i] = v;  // USE
                        """, "20", "7", 20, 20),
                use("through a predicate and a carry", "", """
                        unsigned v = s[i], high;  // LOAD
                        asm("{ .reg .u32 low; add.cc.u32 low, %1, %1; addc.u32 %0, 0, 0; }" : "=r"(high) : "r"(v));
                        int w;
                        asm("{ .reg .pred p; setp.gt.u32 p, %1, 3; mov.u32 %0, 1; \\x40p mov.u32 %0, 2; }"
                            : "=r"(w) : "r"(high));
                        if (i == @) out[i] = w;  // USE
                        """, "20", "7", 20, 20),
                use("selection of the undefined one", "", """
                        int v = s[i], w;  // LOAD
                        asm("{ .reg .pred p; setp.lt.s32 p, %2, @; selp.b32 %0, %1, 5, p; }"
                            : "=r"(w) : "r"(v), "r"(i));
                        out[i] = w;  // USE
                        """, "21", "20", 20, 20),
                use("selection by an undefined predicate", "", """
                        int v = s[i], w;  // LOAD
                        asm("{ .reg .pred p; setp.lt.s32 p, %1, 4; selp.b32 %0, 5, 6, p; }" : "=r"(w) : "r"(v));
                        if (i == @) out[i] = w;  // USE
                        """, "20", "7", 20, 20),
                use("one component of a vector", "", """
                        if (i == 0) s[21] = 3;
                        __syncthreads();
                        int4 v = reinterpret_cast<int4 *>(s)[i / 32 + 5];  // LOAD
                        if (i == 0) out[0] = v.@;  // USE
                        """, "z", "y", 0, 0, "read of 4 bytes at shared address 0x58"),
                use("copy of global memory", "", """
                        int v = fresh[i];  // LOAD
                        if (i == @) out[i] = v;  // USE
                        """, "5", "40", 5, 5, "at byte 20 of allocation #"),
                use("asynchronous copy of global memory", "", """
                        unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(&s[32 + i]));
                        asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(to), "l"(fresh + i));  // LOAD
                        asm volatile("cp.async.wait_all;" ::: "memory");
                        int v = s[32 + i];
                        if (i == @) out[i] = v;  // USE
                        """, "5", "40", 5, 5, "at byte 20 of allocation #"),
                use("bulk copy of global memory", "", """
                        __shared__ __align__(16) int t[32];
                        __shared__ unsigned long long barrier;
                        unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
                        unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(t));
                        if (i == 0) {
                            asm volatile("mbarrier.init.shared.b64 [%0], 1;" :: "r"(at) : "memory");
                            asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], 128;" :: "r"(at) : "memory");
                            asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes"
                                " [%0], [%1], 128, [%2];" :: "r"(to), "l"(fresh), "r"(at) : "memory");  // LOAD
                        }
                        __syncwarp();
                        int done = 0;
                        while (!done)
                            asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], 0;"
                                "selp.b32 %0, 1, 0, p; }" : "=r"(done) : "r"(at) : "memory");
                        int v = t[i];
                        if (i == @) out[i] = v;  // USE
                        """, "5", "40", 5, 0, "read of 16 bytes at 0x", "at byte 16 of allocation #"),
                use("product of a tensor core, of an undefined a", TENSOR, """
                        unsigned v = s[i] & 0x3c00;  // LOAD
                        float d[4] = {};
                        unsigned a[4] = {v, 0, 0, 0}, b[2] = {0, 0};
                        mma(d, a, b);
                        out[i] = __float_as_int(d[@]);  // USE
                        """, "0", "2", 20, 20),
                use("product of a tensor core, of an undefined b", TENSOR, """
                        unsigned v = s[i] & 0x3c00;  // LOAD
                        float d[4] = {};
                        unsigned a[4] = {0, 0, 0, 0}, b[2] = {0, v};
                        mma(d, a, b);
                        if (i % 4 == @) out[i] = __float_as_int(d[3]);  // USE
                        """, "2", "1", 2, 20),
                use("bits of a tensor core, of which both are undefined", "", """
                        unsigned v = s[i];  // LOAD
                        int d[2];
                        asm("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc {%0,%1}, {%2}, {%2}, {%3,%3};"
                            : "=r"(d[0]), "=r"(d[1]) : "r"(v), "r"(0));
                        if (i == @) out[i] = d[1];  // USE
                        """, "22", "1", 22, 22),
                use("matrix loaded for a tensor core", "", """
                        unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(&s[i % 8 * 4])), v;
                        asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
                            : "=r"(v) : "r"(at));  // LOAD
                        if (i == @) out[i] = v;  // USE
                        """, "20", "19", 20, 5),
                use("matrix stored from a tensor core's registers", "", """
                        __shared__ __align__(16) short m[8][8];
                        unsigned v = s[i];  // LOAD
                        asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};"
                            :: "r"(static_cast<unsigned>(__cvta_generic_to_shared(m[i % 8]))), "r"(v) : "memory");
                        __syncwarp();
                        if (i == 0) out[0] = m[@][1];  // USE
                        """, "5", "4", 0, 20),
                use("product of matrices", "", """
                        __shared__ __align__(32) unsigned short a[256], b[256];
                        __shared__ float d[256];
                        for (int e = i; e < 256; e += 32) b[e] = 0x3c00;
                        for (int e = i; e < 256; e += 32) if (e != 16 * 3 + 5) a[e] = 0x3c00;
                        __syncwarp();
                        unsigned x[8], y[8];
                        asm volatile("wmma.load.a.sync.aligned.row.m16n16k16.f16 {%0,%1,%2,%3,%4,%5,%6,%7}, [%8], 16;"
                            : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]), "=r"(x[4]), "=r"(x[5]), "=r"(x[6]),
                            "=r"(x[7]) : "l"(a));  // LOAD
                        asm volatile("wmma.load.b.sync.aligned.row.m16n16k16.f16 {%0,%1,%2,%3,%4,%5,%6,%7}, [%8], 16;"
                            : "=r"(y[0]), "=r"(y[1]), "=r"(y[2]), "=r"(y[3]), "=r"(y[4]), "=r"(y[5]), "=r"(y[6]),
                            "=r"(y[7]) : "l"(b));
                        float z[8] = {};
                        asm volatile("wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32 {%0,%1,%2,%3,%4,%5,%6,%7},"
                            "{%8,%9,%10,%11,%12,%13,%14,%15}, {%16,%17,%18,%19,%20,%21,%22,%23},"
                            "{%0,%1,%2,%3,%4,%5,%6,%7};" : "+f"(z[0]), "+f"(z[1]), "+f"(z[2]), "+f"(z[3]), "+f"(z[4]),
                            "+f"(z[5]), "+f"(z[6]), "+f"(z[7]) : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]),
                            "r"(x[4]), "r"(x[5]), "r"(x[6]), "r"(x[7]), "r"(y[0]), "r"(y[1]), "r"(y[2]), "r"(y[3]),
                            "r"(y[4]), "r"(y[5]), "r"(y[6]), "r"(y[7]));
                        asm volatile("wmma.store.d.sync.aligned.row.m16n16k16.f32 [%0], {%1,%2,%3,%4,%5,%6,%7,%8}, 16;"
                            :: "l"(d), "f"(z[0]), "f"(z[1]), "f"(z[2]), "f"(z[3]), "f"(z[4]), "f"(z[5]), "f"(z[6]),
                            "f"(z[7]) : "memory");
                        __syncwarp();
                        if (i == 0) out[0] = d[16 * @ + 7];  // USE
                        """, "3", "4", 0, 6, "read of 2 bytes at shared address 0x"),
                use("asynchronous copy of a part", "", """
                        __shared__ int4 t;
                        if (i == 0)
                            asm volatile("cp.async.ca.shared.global [%0], [%1], 16, 8;" ::
                                "r"(static_cast<unsigned>(__cvta_generic_to_shared(&t))), "l"(fresh));  // LOAD
                        asm volatile("cp.async.wait_all;" ::: "memory");
                        if (i == 0) out[0] = t.@;  // USE
                        """, "y", "z", 0, 0, "at byte 4 of allocation #"),
                use("argument of a call through a pointer", CALLEE + """
                        __device__ __noinline__ int none(int) { return 0; }
                        __device__ int (*functions[])(int) = {twice, none};
                        """, """
                        int v = s[i];  // LOAD
                        v = functions[i < @](v);
                        out[i] = v;  // USE
                        """, "20", "32", 20, 20),
                use("one of two stored values", "", """
                        int v = s[i];  // LOAD
                        if (i == @) reinterpret_cast<int2 *>(out)[1] = make_int2(i, v);  // USE
                        """, "20", "19", 20, 20, "an undefined value is stored at 0x"),
                use("one of four values stored to shared memory", "", """
                        __shared__ int4 t[32];
                        int v = s[i];  // LOAD
                        t[i] = make_int4(i, v, 3, 4);
                        __syncwarp();
                        int4 w = t[i ^ 1];
                        if (i == 20) out[0] = w.@;  // USE
                        """, "y", "z", 20, 21),
                use("value to compare with", "", """
                        int v = s[i];  // LOAD
                        if (i < @) atomicCAS(&out[i], v, 1);  // USE
                        """, "21", "20", 20, 20, "an atomic operation takes an undefined value as an operand"),
                use("address of an atomic operation", "", """
                        int v = s[i];  // LOAD
                        if (i < @) atomicAdd(&out[v & 7], 1);  // USE
                        """, "21", "20", 20, 20, "an atomic operation takes an undefined value as an operand"),
                use("extension of a byte by its sign", "", """
                        unsigned v, at = static_cast<unsigned>(__cvta_generic_to_shared(&s[i]));
                        asm volatile("ld.shared.@8 %0, [%1];" : "=r"(v) : "r"(at));  // LOAD
                        out[i] = v >> 8;  // USE
                        """, "s", "u", 20, 20, "read of 1 byte at shared address 0x50"),
                use("padding of a structure in local memory", "", """
                        volatile short a[2];
                        int v = s[i];  // LOAD
                        a[i & 1] = v;
                        a[~i & 1] = 7;
                        if (i == 20) out[i] = a[@];  // USE
                        """, "i & 1", "~i & 1", 20, 20),
                use("bits that another thread has set", "", """
                        unsigned v = s[i];  // LOAD
                        out[i] = __reduce_or_sync(~0u, i < n ? @ : v);  // USE
                        """, "0x00ffffff", "0xffffffff", 0, 20));
    }

    /**
     * Instructions on {@code v} (%1), whose lower half is the thread's index (%2), and whose upper half is padding,
     * which nothing has written. Their result (%0) is stored.
     */
    private static Use padded(String name, String instructions, String bug, String correction) {
        return use(name, "", """
                __shared__ unsigned short h[64];
                h[2 * i] = i;
                __syncwarp();
                unsigned v = reinterpret_cast<unsigned *>(h)[i], r;  // LOAD
                asm volatile("{ .reg .b16 a, b; .reg .b32 c, d; .reg .b64 w; .reg .pred p, q; %s }"
                    : "=r"(r) : "r"(v), "r"(i));
                out[i] = r;  // USE
                """.formatted(instructions), bug, correction, 0, 0, "an undefined value is stored at 0x",
                "read of 4 bytes at shared address 0x");
    }

    static Stream<Use> partlyUndefined() {
        return Stream.of(
                padded("unpacked halves", "mov.b32 {a, b}, %1; cvt.u32.u16 %0, @;", "b", "a"),
                padded("packed and unpacked words", "mov.b64 w, {%2, %1}; mov.b64 {c, d}, w; mov.b32 %0, @;", "d", "c"),
                padded("narrowing", "cvt.u16.u32 a, @; cvt.u32.u16 %0, a;", "%1; mov.b32 {b, a}, %1", "%1"),
                padded("shift", "@.b32 %0, %1, 16;", "shr", "shl"),
                padded("shift by an undefined count", "shl.b32 c, 0x100, @; and.b32 %0, c, 0xff0000;", "%1", "%2"),
                padded("funnel shift", "shf.l.wrap.b32 %0, @, 16;", "%1, 0", "0, %1"),
                padded("and", "and.b32 %0, %1, @;", "0x10000", "0xffff"),
                padded("or", "or.b32 %0, %1, @;", "0x7fff0000", "0xffff0000"),
                padded("any function of bits", "lop3.b32 %0, %1, 0xffff, %2, @;", "0x3c", "0x80"),
                padded("difference of bits", "xor.b32 %0, %1, @;", "%2", "%1"),
                padded("field", "bfe.u32 %0, %1, @, 8;", "9", "8"),
                padded("inserted field", "bfi.b32 %0, %1, 7, 4, @;", "17", "16"),
                padded("permuted bytes", "prmt.b32 %0, %1, 7, @;", "0x4421", "0x4410"),
                padded("reversed bits", "brev.b32 c, %1; and.b32 %0, c, @;", "0xffff", "0xffff0000"),
                padded("sum", "add.u32 c, %1, 9; and.b32 %0, c, @;", "0x10000", "0xffff"),
                padded("product", "mad.lo.u32 c, %1, 0xffff, %2; and.b32 %0, c, @;", "0x1000000", "0xffff"),
                padded("product that moves the lower half up", "mul.lo.u32 %0, %1, @;", "0x8000", "0x10000"),
                padded("product with zero", "mul.wide.u32 w, %1, @; cvt.u32.u64 %0, w;", "1", "0"),
                padded("high half of a product", "mul.hi.u32 %0, %1, @;", "0x10001", "1"),
                padded("difference from itself", "sub.u32 %0, %1, @;", "%2", "%1"),
                padded("minimum", "min.u32 %0, %1, @;", "1", "0"),
                padded("signed maximum", "max.s32 %0, %1, @;", "0x7ffeffff", "0x7fffffff"),
                padded("equality", "setp.eq.u32 p, %1, @; selp.b32 %0, 1, 0, p;", "%2", "77"),
                padded("equality of two undefined values",
                        "xor.b32 c, %1, @; setp.eq.u32 p, %1, c; selp.b32 %0, 1, 0, p;",
                        "0", "1"),
                padded("order", "setp.gt.u32 p, %1, @; selp.b32 %0, 1, 0, p;", "0xfffeffff", "0xffffff00"),
                padded("signed order", "setp.lt.s32 p, %1, @; selp.b32 %0, 1, 0, p;", "0x80000100", "0x80000000"),
                padded("order of floats", "setp.lt.f32 p, %1, @; selp.b32 %0, 1, 0, p;", "0fFF000000", "0fFF800000"),
                padded("comparison and a predicate", "setp.eq.s32 q, %2, @; setp.lt.and.f32 p, %1, 0f3F800000, q;"
                        + "selp.b32 %0, 1, 0, p;", "0", "99"),
                padded("selection of equal values", "setp.gt.u32 p, %1, 70000; selp.b32 %0, 5, @, p;", "6", "5"),
                padded("selection by sign", "slct.b32.s32 %0, %1, @, %2; and.b32 %0, %0, @;", "0x30000", "0x3000"),
                padded("pair of halves", "add.rn.f16x2 c, %1, %1; mov.b32 {a, b}, c; cvt.u32.u16 %0, @;", "b", "a"),
                padded("pair of bfloat16",
                        "fma.rn.bf16x2 c, %1, %1, %2; mov.b32 {a, b}, c; cvt.u32.u16 %0, @;", "b", "a"),
                padded("pair of integers", "max.s16x2 c, %1, 0; mov.b32 {a, b}, c; cvt.u32.u16 %0, @;", "b", "a"),
                padded("comparison of pairs", "setp.lt.f16x2 p|q, %1, %2; selp.b32 %0, 1, 0, @;", "q", "p"),
                padded("comparison of pairs and a predicate",
                        "setp.gt.u32 q, %1, @; setp.eq.and.f16x2 p|q, %2, %2, q; selp.b32 %0, 1, 0, p;",
                        "70000", "0xffffff00"),
                padded("pair made of floats",
                        "cvt.rn.f16x2.f32 c, %1, 0f3F800000; mov.b32 {a, b}, c; cvt.u32.u16 %0, @;", "b", "a"));
    }

    private static int line(String source, String mark) {
        List<String> lines = source.lines().toList();
        return 1 + IntStream.range(0, lines.size()).filter(l -> lines.get(l).endsWith(mark)).findFirst().orElseThrow();
    }

    private void run(String source) {
        device.kernel(source, "kernel").launch(1, 32, device.buffer(new int[32]), device.allocate(128), COUNT);
    }

    @ParameterizedTest
    @MethodSource({"uses", "partlyUndefined"})
    void namesTheUseAndTheRead(Use use) {
        String source = use.source(use.bug);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> run(source));
        Stream.concat(Arrays.stream(use.words), Stream.of("check initialized failed in kernel kernel",
                "\n  it comes from an uninitialized read of ",
                "\n    read by thread (" + use.reader + ",0,0) at test.cu:" + line(source, "// LOAD") + ", PTX line ",
                "\n  source test.cu:" + line(source, "// USE") + "\n",
                "\n  block (0,0,0), thread (" + use.user + ",0,0), warp 0"))
                .forEach(words -> assertTrue(report.contains(words), "no \"" + words + "\" in\n" + report));
        assertTrue(report.contains(": nothing has written it") || report.contains(": only some of them were written"),
                report);
    }

    @ParameterizedTest
    @MethodSource({"uses", "partlyUndefined"})
    void isSilentWhereTheValueIsNotUsed(Use use) {
        run(use.source(use.correction));
    }

    // ---- Idioms that are correct ----------------------------------------------------------------------------------

    /** The lanes beyond the count hold garbage, and so do their sums; they are above all others. */
    @Test
    void scansTheFirstLanesOfAWarp() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void scan(int *out, int n) {
                    __shared__ int s[32];
                    int i = threadIdx.x;
                    if (i < n) s[i] = i + 1;
                    __syncwarp();
                    int v = s[i];
                    for (int d = 1; d < 32; d *= 2) {
                        int w = __shfl_up_sync(~0u, v, d);
                        if (i >= d) v += w;
                    }
                    if (i < n) out[i] = v;
                }
                """);
        Buffer out = device.buffer(new int[32]);
        kernel.launch(1, 32, out, COUNT);
        assertArrayEquals(IntStream.range(0, 32).map(i -> i < COUNT ? (i + 1) * (i + 2) / 2 : 0).toArray(), out.ints());
    }

    /** A predicate that is false whatever the undefined value is; a value of which zeros remain. */
    @Test
    void knowsWhatDoesNotDependOnTheValue() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void masks(int *out, int n) {
                    __shared__ int s[32];
                    int i = threadIdx.x, r;
                    if (i < n) s[i] = i + 1;
                    __syncwarp();
                    asm volatile("{ .reg .pred p, q, r; .reg .b32 v; setp.lt.s32 p, %2, %3; setp.gt.s32 q, %1, 9;"
                        "and.pred r, p, q; selp.b32 v, -1, 0, p; and.b32 %0, %1, v;"
                        "@!r bra done; neg.s32 %0, %0; done: }"
                        : "=r"(r) : "r"(s[i]), "r"(i), "r"(n));
                    out[i] = r;
                }
                """);
        Buffer out = device.buffer(new int[32]);
        kernel.launch(1, 32, out, COUNT);
        assertArrayEquals(IntStream.range(0, 32).map(i -> i >= COUNT ? 0 : i >= 9 ? -i - 1 : i + 1).toArray(),
                out.ints());
    }

    /** Undefined values that are overwritten, in a register and in shared memory. */
    @Test
    void aWarpThatHasNoUndefinedValueAnyMoreIsCheckedAsBefore() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void again(int *out, int *fresh, int n) {
                    __shared__ int s[32];
                    int i = threadIdx.x, v = s[i];
                    s[i] = v;
                    __syncwarp();
                    s[i] = i;
                    __syncwarp();
                    v = s[i ^ 1];
                    out[i] = v;
                    if (n) out[i] = fresh[i];
                }
                """);
        Buffer out = device.buffer(new int[32]);
        Buffer fresh = device.allocate(128);
        kernel.launch(1, 32, out, fresh, 0);
        assertArrayEquals(IntStream.range(0, 32).map(i -> i ^ 1).toArray(), out.ints());
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(1, 32, out, fresh, 1));
        assertTrue(report.contains("at byte 0 of allocation #"), report);
        assertFalse(report.contains("shared address"), report);
    }

    private static final String STRUCTURE = """
            struct Item { int key; double value; };
            struct Flags { unsigned low : 3, high : 5; };
            """;

    /**
     * Padding is copied with the structure around it, also through shared memory; bits that nobody has set stay beside
     * those that are set. Reading what was set is no error.
     */
    @Test
    void structuresWithPaddingMayBeCopiedAndBitFieldsSet() {
        Kernel kernel = device.kernel(STRUCTURE + """
                extern "C" __global__ void copies(Item *a, Item *b, Flags *flags, int *out) {
                    __shared__ Item s[32];
                    int i = threadIdx.x;
                    a[i].key = i;
                    a[i].value = 2 * i;
                    s[i] = a[i];
                    __syncthreads();
                    b[i] = s[31 - i];
                    b[i + 32] = b[i];
                    b[i + 64] = b[i + 32];
                    if (i == 0) {
                        flags->low = 5;
                        flags->high = 9;
                    }
                    __syncthreads();
                    out[i] = b[i + 64].key + (int) b[i + 64].value + *(unsigned char *) flags;
                }
                """);
        Buffer out = device.allocate(128);
        kernel.launch(1, 32, device.allocate(32 * 16), device.allocate(96 * 16), device.allocate(4), out);
        assertArrayEquals(IntStream.range(0, 32).map(i -> 3 * (31 - i) + 5 + 8 * 9).toArray(), out.ints());
    }

    /** What was copied is still undefined: where it is computed with, that is reported. */
    @Test
    void copiedPaddingStaysUndefined() {
        String source = STRUCTURE + """
                extern "C" __global__ void uses(Item *a, Item *b, int *out) {
                    a->key = 1;
                    a->value = 2;
                    *b = *a;
                    int gap = ((volatile int *) b)[1];  // LOAD
                    *out = gap + 1;  // USE
                }
                """;
        Kernel kernel = device.kernel(source);
        Buffer out = device.allocate(4);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED,
                () -> kernel.launch(1, 1, device.allocate(16), device.allocate(16), out));
        assertTrue(report.contains("test.cu:" + line(source, "// LOAD") + ", PTX")
                && report.contains("source test.cu:" + line(source, "// USE") + "\n"), report);
    }

    /** What a lane keeps because padding says so is no padding. */
    @Test
    void aValueThatPaddingDecidesIsReported() {
        Kernel kernel = device.kernel(STRUCTURE + """
                extern "C" __global__ void keeps(Item *a, int *out) {
                    a->key = 1;
                    a->value = 2;
                    int r;
                    asm volatile("{ .reg .b32 k, g; .reg .pred p, q; ld.global.v2.u32 {k, g}, [%1];"
                        "setp.eq.u32 q, k, 1; setp.eq.and.u32 p, g, 77, q; mov.u32 %0, 0; @p mov.u32 %0, 5; }"
                        : "=r"(r) : "l"(a) : "memory");
                    *out = r;
                }
                """);
        Buffer out = device.allocate(4);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(1, 1, device.allocate(16), out));
        assertTrue(report.contains("an undefined value is stored at 0x"), report);
    }

    /** A copy of a number that nothing has written is not taken for padding. */
    @Test
    void aCopyOfAnUnwrittenNumberIsReported() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void copy(int *to, const int *from) { to[threadIdx.x] = from[threadIdx.x]; }
                """);
        Buffer from = device.allocate(64);
        SoftDevice.check(cuMemsetD32(from.pointer(), 1, 8));
        Buffer to = device.allocate(64);
        kernel.launch(1, 8, to, from);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(1, 9, to, from));
        assertTrue(report.contains("an undefined value is stored at 0x"), report);
    }
}
