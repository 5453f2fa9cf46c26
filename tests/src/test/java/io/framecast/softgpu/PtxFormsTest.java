package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_PTX;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** PTX that people write by hand: what no compiler writes, and ptxas takes. */
class PtxFormsTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    /** Runs one thread of a kernel that stores to {@code [%d0]}, and returns {@code words} of that. */
    private int[] run(int words, String module, String body) {
        Kernel kernel = device.ptxKernel("""
                .version 8.6
                .target sm_90
                .address_size 64
                %s
                .visible .entry kernel(.param .u64 out)
                {
                    .reg .pred %%p<4>;
                    .reg .b16 %%h<4>;
                    .reg .b32 %%r<8>;
                    .reg .b64 %%d<8>;
                    .reg .f32 %%f<8>;
                    .reg .v4 .f32 v;
                    .reg .v2 .u32 w;
                    ld.param.u64 %%d0, [out];
                    cvta.to.global.u64 %%d0, %%d0;
                    %s
                    ret;
                }
                """.formatted(module, body), "kernel");
        Buffer out = device.buffer(new int[words]);
        kernel.launch(1, 1, out);
        return out.ints();
    }

    @Test
    void variablesOfAFunctionInGlobalMemory() {
        assertArrayEquals(new int[] {3, 4, 5, 8, 2}, run(5, ".extern .global .u32 nowhere; .global .u32 g = 2;", """
                .global .u32 g[2] = {3, 4};
                .global .u64 p = g;
                { .global .u32 g = 5; ld.global.u32 %r2, [g]; }
                { .const .u32 g = 8; ld.const.u32 %r3, [g]; }
                ld.global.u64 %d1, [p];
                ld.global.u32 %r0, [%d1];
                ld.global.u32 %r1, [g+4];
                st.global.v4.u32 [%d0], {%r0, %r1, %r2, %r3};
                mov.u32 %r4, 2;
                st.global.u32 [%d0+16], %r4;
                """));
        SoftDevice.CudaError error = assertThrows(SoftDevice.CudaError.class, () -> run(1,
                ".extern .global .u32 nowhere;",
                "ld.global.u32 %r0, [nowhere];"));
        assertEquals(CUDA_ERROR_INVALID_PTX, error.result);
    }

    @Test
    void argumentsInRegisters() {
        assertArrayEquals(new int[] {8, 55, 13, 30, 1065353216, 1073741824}, run(6, """
                .func (.reg .u32 r) twice(.reg .u32 x) { add.u32 r, x, x; ret; }
                .func (.reg .u32 r) sum(.reg .u32 n)
                {
                    .reg .pred p; .reg .u32 less, below;
                    setp.eq.u32 p, n, 0;
                    mov.u32 r, 0;
                    @p ret;
                    sub.u32 less, n, 1;
                    call (below), sum, (less);
                    add.u32 r, n, below;
                }
                .func (.param .u32 r) inmemory(.param .u32 x, .reg .b16 h)
                {
                    .reg .u32 a, b;
                    ld.param.u32 a, [x];
                    cvt.u32.u16 b, h;
                    add.u32 a, a, b;
                    st.param.u32 [r], a;
                    ret;
                }
                .func (.reg .v4 .f32 r) reversed(.reg .v4 .f32 x) { mov.v4.f32 r, {x.w, x.z, x.y, x.x}; ret; }
                .func (.reg .u32 r) jumps(.reg .u32 x)
                {
                    .reg .pred p;
                again:
                    setp.ge.u32 p, x, 30;
                    @p bra done;
                    call (x), twice, (x);
                    bra again;
                done:
                    mov.u32 r, 30;
                }
                """, """
                call (%r0), twice, (4);
                st.global.u32 [%d0], %r0;
                mov.u32 %r1, 10;
                call (%r2), sum, (%r1);
                st.global.u32 [%d0+4], %r2;
                mov.u16 %h0, 3;
                call (%r3), inmemory, (%r1, %h0);
                st.global.u32 [%d0+8], %r3;
                call (%r4), jumps, (%r3);
                st.global.u32 [%d0+12], %r4;
                mov.v4.f32 v, {0f00000000, 0f00000000, 0f40000000, 0f3f800000};
                call (v), reversed, (v);
                st.global.v2.f32 [%d0+16], {v.x, v.y};
                """));
    }

    @Test
    void vectorsAndSums() {
        assertArrayEquals(new int[] {2, 1, 6, 8, 7, 0, 0, 0}, run(8, "", """
                mov.v2.u32 w, {1, 2};
                mov.v2.u32 w, {w.y, w.x};
                st.global.v2.u32 [%d0], w;
                mov.u32 %r0, 5;
                st.global.u32 [%d0+8], %r0 + 1;
                add.u32 %r1, %r0 + 2, 1;
                st.global.u32 [%d0+12], %r1;
                mov.u64 %d1, 9;
                st.global.u64 [%d0+16], %d1 + -2;
                .reg .v4 .u32 t;
                mov.v4.u32 t, %tid;
                st.global.v2.u32 [%d0+24], {t.x, t.w};
                """));
    }

    @Test
    void cacheHints() {
        assertArrayEquals(new int[] {9}, run(1, "", """
                createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %d1, 0.5;
                mov.u32 %r0, 9;
                st.global.L2::cache_hint.u32 [%d0], %r0, %d1;
                ld.global.L2::cache_hint.u32 %r1, [%d0], %d1;
                atom.global.max.L2::cache_hint.u32 %r2, [%d0], 3, %d1;
                """));
    }

    /** Element (r, c) of matrix m is 64m + 8r + c; lane l has those of row l / 4 in columns 2 (l % 4) and the next. */
    @Test
    void storesAndTransposesMatrices() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void matrices(unsigned short *out, unsigned *moved) {
                    __shared__ __align__(16) unsigned short box[2][256];
                    unsigned x[4], to = (unsigned) __cvta_generic_to_shared(&box[0][threadIdx.x * 8]), y;
                    for (int m = 0, first = 2 * threadIdx.x; m < 4; m++, first += 64) x[m] = first | (first + 1) << 16;
                    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};"
                        :: "r"(to), "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]) : "memory");
                    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};"
                        :: "r"(to + 512), "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]) : "memory");
                    asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x[1]));
                    moved[threadIdx.x] = y;
                    __syncwarp();
                    for (int i = threadIdx.x; i < 512; i += 32) out[i] = box[i / 256][i % 256];
                }
                """);
        Buffer out = device.allocate(1024), moved = device.allocate(128);
        kernel.launch(1, 32, out, moved);
        int[] pairs = out.ints(), lanes = moved.ints();
        for (int i = 0; i < 512; i++) {
            int m = i % 256 / 64, r = i % 64 / 8, c = i % 8;
            int expected = i < 256 ? i : 64 * m + 8 * c + r;
            assertEquals(expected, pairs[i / 2] >> 16 * (i % 2) & 0xffff, "half " + i);
        }
        for (int l = 0; l < 32; l++) {
            int first = 64 + 8 * (l % 4 * 2) + l / 4;
            assertEquals(first | (first + 8) << 16, lanes[l], "lane " + l);
        }
    }

    private static final String HEAP = """
            extern "C" __global__ void list(int *out, int bug) {
                struct Node { Node *next; int value; } *head = nullptr;
                for (int i = 0; i <= threadIdx.x; i++) {
                    Node *node = (Node *) malloc(sizeof(Node));
                    node->next = head;
                    node->value = i;
                    head = node;
                }
                int sum = 0;
                while (head) {
                    Node *node = head;
                    sum += node->value;
                    head = node->next;
                    free(node);
                    if (bug == 1) sum += node->value;
                    if (bug == 2) free(node);
                }
                if (bug == 3) out[0] = malloc(9 << 20) != nullptr;
                else out[threadIdx.x] = sum;
            }
            """;

    @Test
    void mallocInKernels() {
        Buffer out = device.buffer(new int[40]);
        Kernel list = device.kernel(HEAP);
        list.launch(1, 40, out, 0);
        int[] sums = out.ints();
        for (int i = 0; i < 40; i++) {
            assertEquals(i * (i + 1) / 2, sums[i]);
        }
        list.launch(1, 1, out, 3);
        assertEquals(0, out.ints()[0], "more than the heap has");
        String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> device.kernel(HEAP).launch(1, 1,
                device.buffer(new int[1]), 1));
        assertTrue(report.contains("of device heap allocation") && report.contains("which was freed")
                && report.contains("test.cu:15"),
                report);
        report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> device.kernel(HEAP).launch(1, 1,
                device.buffer(new int[1]), 2));
        assertTrue(report.contains("free of 0x") && report.contains("test.cu:16"), report);
    }
}
