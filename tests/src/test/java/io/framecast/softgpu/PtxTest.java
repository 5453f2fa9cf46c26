package io.framecast.softgpu;

import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemsetD32;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleGetGlobal;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleLoadDataJIT;
import static jcuda.driver.JCudaDriver.cuModuleUnload;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JITOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The supported PTX, and the errors for the rest: unsupported code fails when it is loaded, not when it runs. */
class PtxTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    /** Line 12 is the instruction. */
    private static final String KERNEL = """
            .version 8.6
            .target sm_90a
            .address_size 64
            .visible .entry kernel(.param .u64 out)
            {
                .reg .pred %p<4>;
                .reg .b16 %h<4>;
                .reg .b32 %r<8>;
                .reg .b64 %rd<8>;
                .reg .f32 %f<8>;
                .shared .align 16 .b8 box[64];
                INSTRUCTION
                ret;
            }
            """;

    /** The result of loading, and the error log. */
    private record Loading(int result, String log) {
        static Loading of(String ptx) {
            JITOptions options = new JITOptions();
            options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[1000]);
            options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 1000);
            CUmodule module = new CUmodule();
            byte[] text = (ptx + '\0').getBytes(StandardCharsets.UTF_8);
            int result = cuModuleLoadDataJIT(module, Pointer.to(text), options);
            if (result == CUresult.CUDA_SUCCESS) {
                SoftDevice.check(cuModuleUnload(module));
            }
            byte[] log = options.getBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
            return new Loading(result, new String(log, StandardCharsets.UTF_8).replace("\0", ""));
        }

        void assertRefused(int result, String... parts) {
            assertEquals(CUresult.stringFor(result), CUresult.stringFor(this.result), log);
            for (String part : parts) {
                assertTrue(log.contains(part), part + " is not in: " + log);
            }
        }
    }

    @Test
    void refusesInstructionsThatItDoesNotProvide() {
        for (String instruction : new String[] {
            "wgmma.fence.sync.aligned;",
            "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f0, %f1, %f2, %f3}, %rd0, %rd1, 1, 1, 1, 0, 0;",
            "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%rd0, %rd1, {%f4, %f5}];",
            "sured.b.add.1d.u32.trap [%rd0, {%r1}], %r0;",
            "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r0, %r1}, {%r2, %r3}, "
                + "{%f0, %f1, %f2, %f3}, %r0, 0;",
            "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.max.u64 [%r0], %rd1, [%r2];",
            "multimem.red.global.add.u32 [%rd0], %r0;",
            "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%r0], [%r3], %r1, [%r2];",
            "alloca.u64 %rd0, 16, 8;",
            "cp.async.ca.shared.global [%r0], [%rd0], 12;",
            "setmaxnreg.inc.sync.aligned.u32 64;",
            "atom.global.add.b32 %r0, [%rd0], %r1;",
            "shfl.up.b32 %r0, %r1, 1, 0;",
            "vote.ballot.b32 %r0, %p0;",
            "redux.sync.add.f32 %f0, %f1, -1;",
            "mov.b32 %r0, %pm0;",
            "frobnicate.u32 %r0, %r1;",
        }) {
            String opcode = instruction.split("[ ;]")[0];
            Loading.of(KERNEL.replace("INSTRUCTION", instruction))
                    .assertRefused(CUresult.CUDA_ERROR_INVALID_PTX, "line 12:", opcode);
        }
        assertEquals(CUresult.CUDA_SUCCESS, Loading.of(KERNEL.replace("INSTRUCTION", "")).result);
    }

    @Test
    void refusesMalformedPtxWithItsLine() {
        Map<String, Integer> wrong = new LinkedHashMap<>();
        wrong.put("add.u32 %r0, %r1, %r2", 13);                    // no semicolon
        wrong.put("add.u32 %r0, %r1, %r99;", 12);                  // no such register
        wrong.put("add.u32 %r0, %r1;", 12);                        // an operand too few
        wrong.put("add.u32 %rd0, %rd1, %rd2;", 12);                // 64 bits for 32
        wrong.put("add.u32 %r0, %p1, %r2;", 12);
        wrong.put("@%r0 mov.u32 %r0, 1;", 12);                     // no predicate
        wrong.put("bra NOWHERE;", 12);
        wrong.put("mov.u64 %rd0, nothing;", 12);
        wrong.put("call nothing, ();", 12);
        wrong.put("ld.shared.u32 %r0, [nothing];", 12);
        wrong.put("ld.global.u32 %r0, [box];", 12);                // another space
        wrong.put("ld.global.v4.u32 {%r0, %r1}, [%rd0];", 12);
        wrong.put("ld.global.u32 %r0, %rd0;", 12);
        wrong.put("st.global.u64 [%rd0], %r0;", 12);               // a register too small
        wrong.put(".reg .b33 %q;", 12);
        wrong.put("LABEL: LABEL: ret;", 12);
        wrong.put("mov.u32 %r0, 0x;", 12);
        wrong.put("{ mov.u32 %r0, 1;", 15);                        // a brace that stays open
        wrong.put("bar.arrive 1;", 12);                            // a count is needed
        for (String few : new String[] {"shfl.sync.up.b32 %r0, %r1, 1;", "vote.sync.all.pred %p0;", "bar.sync;",
            "ld.global.u32 %r0;", "st.global.u32 [%rd0];", "atom.global.add.u32 %r0, [%rd0];", "mov.u32 %r0;",
            "cvta.u64 %rd0;", "cp.async.wait_group;", "redux.sync.add.u32 %r0;", "setp.eq.u32 %p0, %r0;",
            "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r0};", "cvt.u32.u16 %r0;", "bra;",
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0};",
            "activemask.b32;", "match.any.sync.b32 %r0, %r1;", "isspacep.global %p0;", "brx.idx %r0;", "call;"}) {
            wrong.put(few, 12);
        }
        wrong.forEach((text, line) -> Loading.of(KERNEL.replace("INSTRUCTION", text))
                .assertRefused(CUresult.CUDA_ERROR_INVALID_PTX, "line " + line + ":"));
        for (String ptx : new String[] {"", "hello", ".version 8.0", KERNEL.replace(".version 8.6", ""),
            KERNEL.replace(".address_size 64", ".address_size 32"), KERNEL.replace("INSTRUCTION", "") + "}",
            KERNEL.replace("INSTRUCTION", "").repeat(2)}) {
            Loading loading = Loading.of(ptx);
            loading.assertRefused(CUresult.CUDA_ERROR_INVALID_PTX, "line ");
        }
    }

    /** A truncated program is refused, wherever it is cut. */
    @Test
    void survivesPtxThatEndsTooSoon() {
        String ptx = KERNEL.replace("INSTRUCTION", """
                { .param .b64 a; st.param.b64 [a], %rd0; }
                @!%p1 ld.global.v2.f32 {%f0, %f1}, [%rd0+8]; T: .branchtargets T; mov.f32 %f0, 0f3f800000;""");
        int begin = ptx.indexOf(".visible");
        for (int length = 0; length <= ptx.lastIndexOf('}'); length += 11) {
            Loading loading = Loading.of(ptx.substring(0, length));
            if (length > begin) { // Before it there is a program too, though without a kernel.
                assertEquals(CUresult.CUDA_ERROR_INVALID_PTX, loading.result, ptx.substring(0, length));
            }
        }
    }

    /** The same text again is not decoded again, but each module has its own variables. */
    @Test
    void modulesOfOneTextDoNotShareVariables() {
        for (boolean used : new boolean[] {false, true}) {
            String ptx = KERNEL.replace(".visible", ".visible .global .align 4 .u32 counter = 7;\n.visible")
                    .replace("INSTRUCTION", used ? "ld.global.u32 %r0, [counter]; add.u32 %r0, %r0, 5; "
                            + "st.global.u32 [counter], %r0;" : "");
            CUmodule[] modules = {new CUmodule(), new CUmodule()};
            CUdeviceptr[] counters = {new CUdeviceptr(), new CUdeviceptr()};
            for (int k = 0; k < 2; k++) {
                SoftDevice.check(cuModuleLoadData(modules[k], (ptx + '\0').getBytes(StandardCharsets.UTF_8)));
                SoftDevice.check(cuModuleGetGlobal(counters[k], new long[1], modules[k], "counter"));
                SoftDevice.check(cuMemsetD32(counters[k], k, 1));
                CUfunction kernel = new CUfunction();
                SoftDevice.check(cuModuleGetFunction(kernel, modules[k], "kernel"));
                SoftDevice.check(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, null,
                        Pointer.to(Pointer.to(new long[1])), null));
                SoftDevice.synchronize();
            }
            for (int k = 0; k < 2; k++) {
                int[] value = {-1};
                SoftDevice.check(cuMemcpyDtoH(Pointer.to(value), counters[k], 4));
                assertEquals(used ? k + 5 : k, value[0]);
                SoftDevice.check(cuModuleUnload(modules[k]));
            }
            // The first module that is loaded after the others are gone begins with the value of the text.
            SoftDevice.check(cuModuleLoadData(modules[0], (ptx + '\0').getBytes(StandardCharsets.UTF_8)));
            SoftDevice.check(cuModuleGetGlobal(counters[0], new long[1], modules[0], "counter"));
            int[] value = {-1};
            SoftDevice.check(cuMemcpyDtoH(Pointer.to(value), counters[0], 4));
            assertEquals(7, value[0]);
            SoftDevice.check(cuModuleUnload(modules[0]));
        }
    }

    @Test
    void refusesCodeForOtherDevices() {
        String ptx = KERNEL.replace("INSTRUCTION", "");
        for (String target : new String[] {"sm_50", "sm_80", "sm_89", "sm_90", "sm_90a"}) {
            assertEquals(CUresult.CUDA_SUCCESS, Loading.of(ptx.replace("sm_90a", target)).result, target);
        }
        for (String target : new String[] {"sm_80a", "sm_100", "sm_103f", "sm_120"}) {
            Loading.of(ptx.replace("sm_90a", target))
                    .assertRefused(CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU, target, "9.0");
        }
        assertEquals(CUresult.CUDA_SUCCESS, Loading.of(ptx.replace("8.6", "9.1")).result);
        Loading.of(ptx.replace("8.6", "9.9")).assertRefused(CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "9.9");
        byte[] cubin = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};
        assertEquals(CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(new CUmodule(), cubin));
    }

    @Test
    void refusesPredicatesAsParameters() {
        for (String function : new String[] {".func (.reg .pred r) f ()", ".func f (.reg .pred p)"}) {
            Loading.of(KERNEL.replace("INSTRUCTION", "").replace(".visible", function + " { ret; }\n.visible"))
                    .assertRefused(CUresult.CUDA_ERROR_INVALID_PTX, "line 4", ".pred");
        }
    }

    /** An instruction needs a .target that has it, even on a newer device. */
    @Test
    void refusesInstructionsThatTheTargetDoesNotHave() {
        Map<String, String> since = new LinkedHashMap<>();
        since.put("redux.sync.add.u32 %r0, %r1, -1;", "sm_80");
        since.put("cp.async.ca.shared.global [%r0], [%rd0], 4;", "sm_80");
        since.put("red.global.add.noftz.bf16x2 [%rd0], %r0;", "sm_90");
        since.put("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%r0], %r1, [%r2];", "sm_90");
        since.put("barrier.cluster.arrive;", "sm_90");
        since.put("mapa.shared::cluster.u32 %r0, %r1, %r2;", "sm_90");
        since.put("ld.shared::cluster.u32 %r0, [%r1];", "sm_90");
        since.put("red.global.add.v4.f32 [%rd0], {%f0, %f1, %f2, %f3};", "sm_90");
        since.put("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%rd0], [%r0], 64;", "sm_90");
        since.put("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32 {%f0, %f1, %f2, %f3}, {%r0, %r1, %r2, %r3}, "
                + "{%r4, %r5}, {%f4, %f5, %f6, %f7};", "sm_89");
        since.put("mma.sync.aligned.m16n8k64.row.col.s32.s4.u4.s32 {%r0, %r1, %r2, %r3}, {%r0, %r1, %r2, %r3}, "
                + "{%r4, %r5}, {%r0, %r1, %r2, %r3};", "sm_80");
        since.forEach((instruction, target) -> {
            String ptx = KERNEL.replace("INSTRUCTION", instruction);
            Loading.of(ptx.replace("sm_90a", "sm_75"))
                    .assertRefused(CUresult.CUDA_ERROR_INVALID_PTX, "line 12", target);
            assertEquals(CUresult.CUDA_SUCCESS, Loading.of(ptx.replace("sm_90a", target)).result, instruction);
        });
    }

    @Test
    void cutsTheErrorLogToItsBuffer() {
        byte[] ptx = (KERNEL.replace("INSTRUCTION", "frobnicate;") + '\0').getBytes(StandardCharsets.UTF_8);
        JITOptions options = new JITOptions();
        options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, "................".getBytes(StandardCharsets.UTF_8));
        options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 8);
        assertEquals(CUresult.CUDA_ERROR_INVALID_PTX, cuModuleLoadDataJIT(new CUmodule(), Pointer.to(ptx), options));
        String log = new String(options.getBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER), StandardCharsets.UTF_8);
        assertEquals("PTX lin\0........", log);
    }

    @Test
    void runsPtxForTheDeviceThatItIsSetToBe() {
        String source = """
                extern "C" __global__ void newer(int *out, unsigned *pairs) {
                    out[threadIdx.x] = __CUDA_ARCH__ + __reduce_max_sync(~0u, threadIdx.x);
                    // Two bf16: 1 and 2.
                    asm volatile("red.global.add.noftz.bf16x2 [%0], %1;" :: "l"(pairs), "r"(0x40003f80) : "memory");
                }
                """;
        assertTrue(device.compile(source).contains(".target sm_90"), device.compile(source));
        Buffer out = device.buffer(new int[32]);
        Buffer pairs = device.buffer(0);
        device.kernel(source).launch(1, 32, out, pairs);
        for (int value : out.ints()) {
            assertEquals(900 + 31, value);
        }
        // 32 and 64.
        assertArrayEquals(new int[] {0x42804200}, pairs.ints());
    }

    /** Directives that the parser must accept and ignore, and spellings that compilers do not use. */
    @Test
    void readsPtxAsPeopleWriteIt() {
        Kernel kernel = device.ptxKernel("""
                /* A comment
                   of two lines. */ .version 6.5
                .target sm_70, debug
                .address_size 64
                .pragma "nounroll";
                .extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);
                .weak .func nothing;
                .global .align 8 .u32 values[2][3] = {{1, 0x10, 020}, {0b11, 5}};
                .const .f32 half = 0F3f000000;
                .func nothing { ret; }
                .visible .entry kernel(.param .u64 .ptr .global .align 4 out) .maxntid 32, 1, 1 .minnctapersm 1 {
                .reg .u32 a, b, $c; .reg .u64 %d<2>; .reg .f32 f; .reg .pred p, q;
                ld.param.u64 %d0,[out];mov.u32 a,%tid.x;// and so on
                mov.u64 %d1, values; mad.wide.u32 %d1, a, 4, %d1; ld.global.u32 b, [%d1 + 0];
                ld.const.f32 f, [half]; cvt.rzi.u32.f32 $c, f; add.u32 b, b, $c;
                setp.lt.and.u32 p|q, a, 6, 1; @p add.u32 b, b, (1 << 4) * 2 + (0x7 & ~3);
                mad.wide.u32 %d0, a, 4, %d0; @p st.global.u32 [%d0 + -4 + 4], b;
                }
                """, "kernel");
        Buffer out = device.buffer(new int[6]);
        kernel.launch(1, 6, out);
        assertArrayEquals(new int[] {1 + 36, 16 + 36, 16 + 36, 3 + 36, 5 + 36, 36}, out.ints());
    }
}
