package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_TIMEOUT;
import static jcuda.driver.CUresult.CUDA_ERROR_MISALIGNED_ADDRESS;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_POINTER;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_SIZE;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_END;
import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemsetD8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.Sizeof;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The checks of the device: programs with deliberate bugs, each also in a corrected version that must run without a
 * report; and correct programs that look suspicious.
 */
class CheckTest {

    private static final int WORDS = 256;

    /** One host thread: block 0 runs before block 1, so that the report is always about the same block. */
    @RegisterExtension
    final SoftDevice device = new SoftDevice("threads=1");

    /** A launch shape, and the body of a kernel on the arrays of {@link Arrays4}, with {@code int i = threadIdx.x}. */
    record Program(String name, int grid, int block, String body) {
        String source() {
            return """
                    extern "C" __global__ void planted(int *in, int *out, int *fresh, int *freed, int n) {
                    int i = threadIdx.x;
                    """ + body + "\n}\n";
        }
    }

    /**
     * A bug. In the program's text, {@code @} is either {@code bug} or {@code correction}; the line that the report
     * must name ends in {@code // BUG}. Of the words that it must have, {@code $in+1024} and its like are addresses.
     *
     * @param off the checks without which the bug goes unnoticed; null where the device cannot go on
     */
    record Bug(Program program, String bug, String correction, String check, String off, int result, String thread,
            List<String> words) {
        @Override
        public String toString() {
            return program.name;
        }

        String buggy() {
            return program.source().replace("@", bug);
        }

        String corrected() {
            return program.source().replace("@", correction);
        }
    }

    private static Bug bounds(String name, String body, String bug, String correction, String thread,
            String... words) {
        return new Bug(new Program(name, 1, 64, body), bug, correction, "bounds", "bounds+-initialized",
                CUDA_ERROR_ILLEGAL_ADDRESS, thread, List.of(words));
    }

    /** A bounds bug that stops the device even without the check: there is no memory at the address. */
    private static Bug wild(String name, String body, String bug, String correction, String thread, String... words) {
        return new Bug(new Program(name, 1, 64, body), bug, correction, "bounds", null, CUDA_ERROR_ILLEGAL_ADDRESS,
                thread, List.of(words));
    }

    private static Bug failing(String check, String name, int block, String body, String bug, String correction,
            String thread, String... words) {
        return new Bug(new Program(name, 1, block, body), bug, correction, check, check, CUDA_ERROR_LAUNCH_FAILED,
                thread, List.of(words));
    }

    private static Bug race(String name, int block, String body, String bug, String correction, String thread,
            String... words) {
        return failing("shared_race", name, block, body, bug, correction, thread, words);
    }

    private static Bug blockRace(String name, String body, String bug, String correction, String thread,
            String... words) {
        return new Bug(new Program(name, 2, 64, body), bug, correction, "block_race", "block_race",
                CUDA_ERROR_LAUNCH_FAILED, thread, List.of(words));
    }

    private static final String KEEP = "asm volatile(\"\" ::: \"memory\");";

    private static final String ASYNC_COPY = """
            __shared__ __align__(16) int s[256];
            unsigned to = (unsigned) __cvta_generic_to_shared(s + 4 * i);
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(to), "l"(in + 4 * i) : "memory");
            asm volatile("cp.async.commit_group;" ::: "memory");
            """;

    static Stream<Bug> bugs() {
        return Stream.of(
                bounds("read past the end", "out[i] = in[@];  // BUG", "i + 193", "i + 192", "(63,0,0), warp 1",
                        "read of 4 bytes at $in+1024;", "just past the end of allocation #",
                        "of 1024 bytes at $in\n"),
                bounds("write past the end", "in[@] = i;  // BUG", "i + 194", "i + 192", "(62,0,0), warp 1",
                        "write of 4 bytes at $in+1024;", "just past the end of allocation #", "of 1024 bytes at $in\n"),
                bounds("partly past the end",
                        "reinterpret_cast<int4 *>(fresh)[@] = make_int4(i, i, i, i);  // BUG", "i + 1", "i",
                        "(63,0,0), warp 1", "write of 16 bytes at $fresh+1024;",
                        "of 1032 bytes at $fresh\n"),
                bounds("far past the end", "in[i + (@)] = i;  // BUG", "n << 20", "n - 64", "(0,0,0), warp 0",
                        "write of 4 bytes at $in+1073741824;", "bytes past the end of allocation #"),
                bounds("negative index", "out[i] = in[@];  // BUG", "i - 1", "i", "(0,0,0), warp 0",
                        "read of 4 bytes at $in-4;", "4 bytes before the beginning of allocation #",
                        "of 1024 bytes at $in\n"),
                bounds("use after free", "out[i] = @[i];  // BUG", "freed", "in", "(0,0,0), warp 0",
                        "read of 4 bytes at $freed;", "at byte 0 of allocation #",
                        "which was freed, of 1040 bytes at $freed\n"),
                bounds("write after free", "@[i + 1] = i;  // BUG", "freed", "out", "(0,0,0), warp 0",
                        "write of 4 bytes at $freed+4;", "at byte 4 of allocation #", "which was freed,"),
                bounds("atomic after free", "atomicAdd(@ + i, 1);  // BUG", "freed", "out", "(0,0,0), warp 0",
                        "at $freed;", "which was freed,"),
                wild("null pointer", "int *p = (int *) ((size_t) in * (n - @)); out[i] = p[i];  // BUG", "256", "255",
                        "(0,0,0), warp 0", "read of 4 bytes at 0x0;", "a null pointer\n"),
                wild("null pointer's member", "int *p = (int *) ((size_t) in * (n - @)); p[i + 3] = i;  // BUG", "256",
                        "255", "(0,0,0), warp 0", "write of 4 bytes at 0xc;", "a null pointer plus 12\n"),
                wild("garbage pointer", "long long far = 1LL << @; out[i] = in[far & ~4LL];  // BUG",
                        "(n - 216)", "(n - 254)", "(0,0,0), warp 0", "no address of the device"),
                wild("past shared memory", """
                        __shared__ int s[64];
                        s[i] = i;
                        __syncthreads();
                        out[i] = s[i + @];  // BUG
                        """, "(n - 255)", "(n - 256)", "(63,0,0), warp 1",
                        "read of 4 bytes at shared address 0x100, of 256 bytes"),
                new Bug(new Program("misaligned vector load", 1, 64, """
                        int4 v = *reinterpret_cast<int4 *>(in + @);  // BUG
                        out[i] = v.x + v.y + v.z + v.w;
                        """), "i + 2", "4 * i",
                        "alignment", "alignment", CUDA_ERROR_MISALIGNED_ADDRESS, "(0,0,0), warp 0",
                        List.of("misaligned read of 16 bytes at $in+8: not a multiple of 16",
                                "at byte 8 of allocation #")),
                new Bug(new Program("misaligned shared store", 1, 32, """
                        __shared__ __align__(16) char s[512];
                        *reinterpret_cast<int *>(s + 8 * i + (@)) = i;  // BUG
                        """), "n - 254", "n - 256", "alignment", "alignment", CUDA_ERROR_MISALIGNED_ADDRESS,
                        "(0,0,0), warp 0",
                        List.of("misaligned write of 4 bytes at shared address 0x2: not a multiple of 4")),
                failing("initialized", "global memory read before it is written", 64, "out[i] = @[i];  // BUG", "fresh",
                        "in", "(0,0,0), warp 0", "uninitialized read of 4 bytes at $fresh:", "nothing has written it",
                        "at byte 0 of allocation #", "of 1032 bytes"),
                failing("initialized", "global memory written in part", 64, """
                        char *bytes = reinterpret_cast<char *>(fresh);
                        for (int b = 0; b < @; ++b) bytes[4 * i + b] = 1;
                        out[i] = fresh[i];  // BUG
                        """, "3", "4", "(0,0,0), warp 0", "uninitialized read of 4 bytes at $fresh:"),
                failing("initialized", "shared memory read before it is written", 64, """
                        __shared__ int s[64];
                        if (i != @) s[i] = i;
                        __syncthreads();
                        out[i] = s[i];  // BUG
                        """, "5", "64", "(5,0,0), warp 0", "uninitialized read of 4 bytes at shared address 0x14"),
                race("read after write between warps", 64, """
                        __shared__ int s[64];
                        if (i < 32) s[i] = i;
                        @
                        if (i >= 32) out[i] = s[i - 32];  // BUG
                        """, KEEP, "__syncthreads();", "(32,0,0), warp 1",
                        "read of 4 bytes at shared address 0x0 races with a write by thread (0,0,0)"),
                race("write after read between warps", 64, """
                        __shared__ int s[64];
                        s[i] = i;
                        __syncthreads();
                        if (i >= 32) out[i] = s[i - 32];
                        @
                        if (i < 32) s[i] = 7;  // BUG
                        """, KEEP, "__syncthreads();", "(0,0,0), warp 0",
                        "write of 4 bytes at shared address 0x0 races with a read by thread (32,0,0) of the block: "
                        + "no barrier came between\n"),
                race("write after write between warps", 64, """
                        __shared__ int s[64];
                        if (i < 32) s[i] = 1;
                        @
                        if (i >= 32) s[i - 32] = 2;  // BUG
                        __syncthreads();
                        out[i] = s[i & 31];
                        """, KEEP, "__syncthreads();", "(32,0,0), warp 1",
                        "write of 4 bytes at shared address 0x0 races with a write by thread (0,0,0)"),
                race("write beside an atomic", 64, """
                        __shared__ int s[2];
                        if (i < 2) s[i] = 0;
                        __syncthreads();
                        if (i >= 32) atomicAdd(s, 1);
                        if (i == 20) s[@] = 3;  // BUG
                        """, "n - 256", "n - 255", "(20,0,0), warp 0",
                        "write of 4 bytes at shared address 0x0 races with an atomic access by thread (63,0,0)"),
                race("read after write within a warp", 32, """
                        __shared__ int s[32];
                        s[i] = i;
                        @
                        out[i] = s[i ^ 1];  // BUG
                        """, KEEP, "__syncwarp();", "(0,0,0), warp 0",
                        "read of 4 bytes at shared address 0x4 races with a write by thread (1,0,0)"),
                race("write after read within a warp", 32, """
                        __shared__ int s[32];
                        s[i] = i;
                        __syncwarp();
                        int v = s[i ^ 1];
                        @
                        s[i] = v + 1;  // BUG
                        """, KEEP, "__syncwarp();", "(0,0,0), warp 0",
                        "write of 4 bytes at shared address 0x0 races with a read by thread (1,0,0) of the block: "
                        + "no barrier came between, nor __syncwarp()", "checks=all+-shared_race accepts it"),
                race("two lanes write one word", 32, """
                        __shared__ int s[32];
                        s[i / @] = i;  // BUG
                        __syncwarp();
                        out[i] = s[i / @];
                        """, "2", "1", "(1,0,0), warp 0",
                        "write of 4 bytes at shared address 0x0 races with a write by thread (0,0,0)"),
                race("half of a word overwritten", 64, """
                        __shared__ short s[64];
                        s[i] = i;
                        __syncthreads();
                        if (i >= 32) out[i] = s[i - 32];
                        if (i < 32) s[i + @] = 99;  // BUG
                        """, "0", "32", "(1,0,0), warp 0",
                        "write of 2 bytes at shared address 0x2 races with a read by thread (33,0,0)"),
                race("double buffer with a barrier too few", 64, """
                        __shared__ int s[2][64];
                        s[0][i] = in[i];
                        s[1][i] = 0;
                        __syncthreads();
                        int sum = 0;
                        #pragma unroll 1
                        for (int k = 0; k < 4; ++k) {
                            if (k < 3) s[(k + 1) & 1][i] = in[64 * (k + 1) + i];  // BUG
                            sum += s[k & 1][63 - i];
                            @
                        }
                        out[i] = sum;
                        """, "", "__syncthreads();", "(0,0,0), warp 0", "write of 4 bytes at shared address 0x100",
                        "races with a read by thread (63,0,0)"),
                race("cp.async never waited for", 64, ASYNC_COPY + """
                        @
                        out[i] = s[4 * i];  // BUG
                        """, "", "asm volatile(\"cp.async.wait_all;\" ::: \"memory\");", "(0,0,0), warp 0",
                        "read of 4 bytes at shared address 0x0 races with a cp.async that is still under way",
                        "by thread (0,0,0)"),
                race("cp.async of the last group waited for too little", 64, ASYNC_COPY + """
                        asm volatile("cp.async.wait_group @;" ::: "memory");
                        out[i] = s[4 * i];  // BUG
                        """, "1", "0", "(0,0,0), warp 0", "cp.async that is still under way",
                        "no wait for it came between"),
                race("cp.async of another thread without a barrier", 64, ASYNC_COPY + """
                        asm volatile("cp.async.wait_all;" ::: "memory");
                        @
                        out[i] = s[4 * i ^ 4];  // BUG
                        """, "", "__syncthreads();", "(0,0,0), warp 0",
                        "read of 4 bytes at shared address 0x10 races with a write by thread (1,0,0)"),
                blockRace("two blocks write one word", "out[i + 64 * @] = i + blockIdx.x;  // BUG", "(n - 256)",
                        "blockIdx.x",
                        "block (1,0,0), thread (0,0,0), warp 0",
                        "write of 4 bytes at $out races with a write by block (0,0,0)", "at byte 0 of allocation #"),
                blockRace("a block reads what another writes", """
                        if (blockIdx.x == 0) out[i] = 7;
                        else in[i] = out[i + @];  // BUG
                        """, "0", "64", "block (1,0,0), thread (0,0,0), warp 0",
                        "read of 4 bytes at $out races with a write by block (0,0,0): no fence followed by an atomic",
                        "checks=all+-block_race accepts it"),
                blockRace("a block writes what another reads", """
                        if (blockIdx.x == 0) in[i] = out[i + 1];
                        else out[i + @] = 7;  // BUG
                        """, "0", "65", "block (1,0,0), thread (1,0,0), warp 0",
                        "write of 4 bytes at $out+4 races with a read by block (0,0,0)"),
                failing("barrier", "barrier for half a warp", 32, """
                        if (i < @) {
                            out[i] = 1;
                            __syncthreads();  // BUG
                        }
                        """, "16", "32", "(0,0,0), warp 0", "barrier 0 is not reached by all threads of the block",
                        "16 threads of warp 0, the first of them (0,0,0),",
                        "16 threads of warp 0, the first of them (16,0,0), exited without it"),
                failing("barrier", "barrier in both branches", 32, """
                        if (i < @) {
                            out[i] = 1;
                            asm volatile("bar.sync 0;" ::: "memory");
                            out[i] = 3;
                        } else {
                            out[i] = 2;
                            asm volatile("bar.sync 0;" ::: "memory");  // BUG
                        }
                        """, "16", "32", "(16,0,0), warp 0", "barrier 0 in divergent code"),
                failing("barrier", "a warp that never comes to the barrier", 64, """
                        if (i < @) {
                            out[i] = 1;
                            __syncthreads();  // BUG
                        }
                        """, "32", "64", "(0,0,0), warp 0", "barrier 0 is not reached by all threads of the block",
                        "32 threads of warp 1, the first of them (32,0,0), exited without it"),
                failing("barrier", "a thread that exited before the barrier", 64, """
                        if (i == @) return;
                        out[i] = 1;
                        __syncthreads();  // BUG
                        """, "63", "64", "(0,0,0), warp 0", "thread (63,0,0) exited without it"),
                new Bug(new Program("warps at different barriers", 1, 64, """
                        if (i < 32) asm volatile("bar.sync 1;" ::: "memory");  // BUG
                        else asm volatile("bar.sync @;" ::: "memory");
                        """), "2", "1", "barrier", null, CUDA_ERROR_LAUNCH_FAILED, "(0,0,0), warp 0",
                        List.of("barrier 1 is not reached by all threads", "wait at another, at ")),
                new Bug(new Program("shuffle with lanes that never come", 1, 32, """
                        if (i < 16) out[i] = __shfl_sync(@, i, 3);  // BUG
                        __syncthreads();
                        """), "0xffffffffu", "0xffffu", "warp_sync", null, CUDA_ERROR_LAUNCH_TIMEOUT,
                        "(0,0,0), warp 0", List.of("wait here for threads 0xffff0000 of their warp, which never come",
                                "16 threads of warp 0, the first of them (16,0,0), wait at ")),
                new Bug(new Program("vote of a thread that its mask leaves out", 1, 32,
                        "out[i] = __ballot_sync(@, i & 1);  // BUG"), "0xfffffffeu", "0xffffffffu", "warp_sync", null,
                        CUDA_ERROR_LAUNCH_FAILED, "(0,0,0), warp 0",
                        List.of("not in the mask 0xfffffffe that it names")));
    }

    /** The arrays of a program: consecutive integers, zeros, uninitialised, and freed. */
    private final class Arrays4 {
        final Buffer in = device.buffer(IntStream.range(0, WORDS).toArray());
        final Buffer out = device.allocate(1028);
        final Buffer fresh = device.allocate(1032);
        final CUdeviceptr freed = new CUdeviceptr();

        Arrays4() {
            check(cuMemsetD8(out.pointer(), (byte) 0, out.size()));
            check(cuMemAlloc(freed, 1040));
            check(cuMemFree(freed));
        }

        void launch(Program program, String source) {
            device.kernel(source).launch(program.grid, program.block, in, out, fresh, freed, WORDS);
        }

        /** The words, with the addresses of the arrays filled in. */
        String expand(String words) {
            Matcher address = Pattern.compile("\\$(in|out|fresh|freed)(\\+\\d+|-\\d+)?").matcher(words);
            return address.replaceAll(match -> {
                CUdeviceptr base = switch (match.group(1)) {
                    case "in" -> in.pointer();
                    case "out" -> out.pointer();
                    case "fresh" -> fresh.pointer();
                    default -> freed;
                };
                long offset = match.group(2) == null ? 0 : Long.parseLong(match.group(2));
                return "0x" + Long.toHexString(addressOf(base) + offset);
            });
        }
    }

    private static long addressOf(CUdeviceptr pointer) {
        Matcher address = Pattern.compile("nativePointer=0x([0-9a-fA-F]+)").matcher(pointer.toString());
        assertTrue(address.find(), pointer.toString());
        return Long.parseUnsignedLong(address.group(1), 16);
    }

    /** The kernel's line first, which its author knows. */
    @Test
    void namesTheCallersOfInlinedFunctions() {
        Kernel kernel = device.kernel("""
                __device__ __forceinline__ void store(int *to, int at) { to[at] = at; }
                __device__ __forceinline__ void fill(int *to, int n) {
                    store(to, n + threadIdx.x);
                }
                extern "C" __global__ void inlines(int *out) {
                    fill(out, 64);
                }
                """);
        Buffer out = device.buffer(new int[64]);
        String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> kernel.launch(1, 1, out));
        assertTrue(report.contains("\n  source test.cu:6\n    inlined there: test.cu:3\n"
                + "    inlined there: test.cu:1\n"), report);
    }

    private static int lineOfBug(String source) {
        List<String> lines = source.lines().toList();
        return 1 + IntStream.range(0, lines.size()).filter(l -> lines.get(l).endsWith("// BUG")).findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void reportsWhatIsWrongAndWhere(Bug bug) {
        Arrays4 arrays = new Arrays4();
        String report = device.expectFault(bug.result, () -> arrays.launch(bug.program, bug.buggy()));
        String where = bug.thread.startsWith("block") ? bug.thread : "block (0,0,0), thread " + bug.thread;
        Stream.concat(bug.words.stream().map(arrays::expand), Stream.of(
                "check " + bug.check + " failed in kernel planted <<<(" + bug.program.grid + ",1,1), ("
                        + bug.program.block + ",1,1), 0>>>",
                "test.cu:" + lineOfBug(bug.buggy()) + "\n", "PTX line ", where + "\n"))
                .forEach(words -> assertTrue(report.contains(words), "no \"" + words + "\" in\n" + report));
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void findsNothingInTheCorrectedTwin(Bug bug) {
        new Arrays4().launch(bug.program, bug.corrected());
    }

    static Stream<Bug> bugsThatCanPass() {
        return bugs().filter(bug -> bug.off != null);
    }

    @ParameterizedTest
    @MethodSource("bugsThatCanPass")
    void isSilentWithTheCheckOff(Bug bug) {
        SoftGpu.configure("checks=all+-" + bug.off);
        new Arrays4().launch(bug.program, bug.buggy());
        SoftGpu.configure("checks=none");
        new Arrays4().launch(bug.program, bug.buggy());
    }

    static Stream<Bug> wildBugs() {
        return bugs().filter(bug -> bug.check.equals("bounds") && bug.off == null);
    }

    @ParameterizedTest
    @MethodSource("wildBugs")
    void survivesWildPointersWithoutAnyCheck(Bug bug) {
        SoftGpu.configure("checks=none");
        Arrays4 arrays = new Arrays4();
        device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> arrays.launch(bug.program, bug.buggy()));
    }

    @Test
    void findsRacesOfBlocksThatRunAtOnce() {
        SoftGpu.configure("threads=4");
        Arrays4 arrays = new Arrays4();
        Program program = new Program("", 16, 64, "for (int k = 0; k < 20; ++k) out[i] = blockIdx.x + k;");
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> arrays.launch(program, program.source()));
        assertTrue(report.contains("check block_race") && report.contains("races with a write by block ("), report);
    }

    // ---- Correct programs ---------------------------------------------------------------------------------------

    /** A correct program, and the values it must write to the start of {@code out}. */
    record Correct(Program program, int words, IntUnaryOperator expected) {
        @Override
        public String toString() {
            return program.name;
        }
    }

    static Stream<Correct> correctPrograms() {
        return Stream.of(
                new Correct(new Program("warp-synchronous reduction", 1, 32, """
                        __shared__ int s[32];
                        s[i] = in[i];
                        __syncwarp();
                        for (int d = 16; d > 0; d /= 2) {
                            int v = s[(i + d) & 31];
                            __syncwarp();
                            s[i] += v;
                            __syncwarp();
                        }
                        out[i] = s[31 - i];
                        """), 32, i -> 31 * 16),
                new Correct(new Program("reduction in a tree", 1, 256, """
                        __shared__ int s[256];
                        s[i] = in[i];
                        for (int d = 128; d > 0; d /= 2) {
                            __syncthreads();
                            if (i < d) s[i] += s[i + d];
                        }
                        if (i == 0) out[0] = s[0];
                        """), 1, i -> 255 * 128),
                new Correct(new Program("atomics in shared and in global memory", 4, 64, """
                        __shared__ int s[4];
                        if (i < 4) s[i] = 0;
                        __syncthreads();
                        atomicAdd(&s[i & 3], i);
                        __syncthreads();
                        if (i < 4) atomicAdd(&out[i], s[i]);
                        """), 4, k -> 4 * IntStream.range(0, 64).filter(i -> i % 4 == k).sum()),
                new Correct(new Program("the last block adds up", 8, 32, """
                        __shared__ bool last;
                        if (i == 0) {
                            out[8 + blockIdx.x] = blockIdx.x + 1;
                            __threadfence();
                            last = atomicAdd(&out[1], 1) == gridDim.x - 1;
                        }
                        __syncthreads();
                        if (last && i == 0) {
                            int sum = 0;
                            for (int b = 0; b < gridDim.x; ++b) sum += out[8 + b];
                            out[0] = sum;
                        }
                        """), 2, i -> i == 0 ? 36 : 8),
                new Correct(new Program("a block waits for another's flag", 2, 32, """
                        volatile int *flag = out + 64;
                        if (blockIdx.x == 0) {
                            fresh[i] = 5 * i;
                            __threadfence();
                            __syncthreads();
                            if (i == 0) *flag = 1;
                        } else {
                            if (i == 0) while (*flag == 0) { }
                            __syncthreads();
                            __threadfence();
                            out[i] = fresh[31 - i];
                        }
                        """), 32, i -> 5 * (31 - i)),
                new Correct(new Program("a warp waits for another's flag", 1, 64, """
                        __shared__ volatile int flag;
                        __shared__ int data[32];
                        if (i == 0) flag = 0;
                        __syncthreads();
                        if (i < 32) {
                            data[i] = i;
                            __threadfence_block();
                            __syncwarp();
                            if (i == 0) flag = 1;
                        } else {
                            while (flag == 0) { }
                            __threadfence_block();
                            out[i - 32] = data[63 - i];
                        }
                        """), 32, i -> 31 - i),
                new Correct(new Program("named barriers between warps", 1, 128, """
                        __shared__ int s[64];
                        if (i < 64) {
                            for (int k = 0; k < 3; ++k) {
                                if (k > 0) asm volatile("bar.sync 2, 128;" ::: "memory");
                                s[i] = i + k;
                                asm volatile("bar.arrive 1, 128;" ::: "memory");
                            }
                        } else {
                            int sum = 0;
                            for (int k = 0; k < 3; ++k) {
                                asm volatile("bar.sync 1, 128;" ::: "memory");
                                sum += s[127 - i];
                                if (k < 2) asm volatile("bar.arrive 2, 128;" ::: "memory");
                            }
                            out[i - 64] = sum;
                        }
                        """), 64, i -> 3 * (63 - i) + 3),
                new Correct(new Program("halo of neighbouring blocks", 4, 64, """
                        __shared__ int s[66];
                        int at = blockIdx.x * 64 + i;
                        s[i + 1] = in[at];
                        if (i == 0) s[0] = at > 0 ? in[at - 1] : 0;
                        if (i == 63) s[65] = at + 1 < n ? in[at + 1] : n;
                        __syncthreads();
                        out[at] = s[i] + s[i + 1] + s[i + 2] + (at > 0 ? in[at - 1] : 0);
                        """), WORDS, i -> 3 * i + Math.max(i - 1, 0) + (i == 0 ? 1 : 0)),
                new Correct(new Program("bytes of a word by two blocks", 4, 64, """
                        unsigned char *bytes = reinterpret_cast<unsigned char *>(out);
                        for (int k = 0; k < 3; ++k) bytes[4 * i + blockIdx.x] += blockIdx.x + 1;
                        """), 64, i -> 0x0c090603),
                new Correct(new Program("halves of a word by two blocks", 2, 64, """
                        unsigned short *halves = reinterpret_cast<unsigned short *>(out);
                        unsigned short *copy = reinterpret_cast<unsigned short *>(fresh);
                        halves[2 * i + blockIdx.x] = 300 + blockIdx.x;
                        copy[2 * i + blockIdx.x] = halves[2 * i + blockIdx.x];
                        halves[2 * i + blockIdx.x] = copy[2 * i + blockIdx.x] + 2;
                        """), 64, i -> 303 << 16 | 302),
                new Correct(new Program("bytes and halves of a shared word by its threads", 1, 64, """
                        __shared__ unsigned char bytes[64];
                        __shared__ unsigned short halves[64];
                        bytes[i] = i;
                        halves[i] = i;
                        for (int k = 0; k < 3; ++k) {
                            asm volatile("" ::: "memory");
                            bytes[i] = bytes[i] + 1;
                            asm volatile("" ::: "memory");
                            halves[i] = halves[i] + bytes[i];
                        }
                        out[i] = halves[i];
                        """), 64, i -> 4 * i + 6),
                new Correct(new Program("double-buffered tiles by cp.async", 1, 64, """
                        __shared__ __align__(16) int s[2][64];
                        int sum = 0;
                        for (int k = 0; k < 5; ++k) {
                            if (k < 4) {
                                unsigned to = (unsigned) __cvta_generic_to_shared(&s[k & 1][i]);
                                asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
                                             :: "r"(to), "l"(in + 64 * k + i) : "memory");
                            }
                            asm volatile("cp.async.commit_group;" ::: "memory");
                            if (k > 0) {
                                asm volatile("cp.async.wait_group 1;" ::: "memory");
                                __syncthreads();
                                sum += s[(k - 1) & 1][63 - i];
                                __syncthreads();
                            }
                        }
                        out[i] = sum;
                        """), 64, i -> 4 * (63 - i) + 64 * 6),
                new Correct(new Program("a block rereads what it wrote itself", 3, 64, """
                        int *own = fresh + blockIdx.x * 64;
                        own[i] = in[i];
                        __syncthreads();
                        out[blockIdx.x * 64 + i] = own[63 - i];
                        """), 192, i -> 63 - i % 64));
    }

    @ParameterizedTest
    @MethodSource("correctPrograms")
    void findsNothingInCorrectPrograms(Correct correct) {
        for (int threads : new int[] {1, 4}) {
            SoftGpu.configure("threads=" + threads);
            Arrays4 arrays = new Arrays4();
            arrays.launch(correct.program, correct.program.source());
            assertArrayEquals(IntStream.range(0, correct.words).map(correct.expected).toArray(),
                    Arrays.copyOf(arrays.out.ints(), correct.words));
        }
    }

    private static final String READ = """
            extern "C" __global__ void read(const unsigned char *in, unsigned char *out, int from) {
                out[from + threadIdx.x] = in[from + threadIdx.x];
            }
            """;

    @Test
    void knowsWhatCopiesAndMemsetsHaveWritten() {
        Kernel read = device.kernel(READ);
        Buffer written = device.allocate(103);
        Buffer out = device.allocate(103);
        check(cuMemsetD8(written.at(1), (byte) 6, 48));
        check(cuMemcpyHtoD(written.at(49), Pointer.to(new byte[52]), 52));
        read.launch(1, 100, written, out, 1);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> read.launch(1, 2, written, out, 100));
        assertTrue(report.contains("uninitialized read of 1 byte at")
                && report.contains("at byte 101 of allocation") && report.contains("thread (1,0,0)"), report);
    }

    @Test
    void copiesTheStateOfMemoryWithIt() {
        Kernel read = device.kernel(READ);
        Buffer half = device.allocate(64);
        Buffer copy = device.allocate(128);
        Buffer out = device.allocate(128);
        check(cuMemsetD8(half.at(3), (byte) 6, 30));
        check(cuMemcpyDtoD(copy.at(5), half.pointer(), 64));
        read.launch(1, 30, copy, out, 8);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> read.launch(1, 31, copy, out, 8));
        assertTrue(report.contains("at byte 38 of allocation"), report);
    }

    @Test
    void forgetsWhatWasWrittenWithADeviceCopyOfNothing() {
        Kernel read = device.kernel(READ);
        Buffer full = device.buffer(new int[16]);
        Buffer out = device.allocate(64);
        check(cuMemcpyDtoD(full.at(16), device.allocate(16).pointer(), 16));
        read.launch(1, 16, full, out, 0);
        device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> read.launch(1, 17, full, out, 0));
    }

    // ---- Host calls ---------------------------------------------------------------------------------------------

    private static final String FOUR = """
            extern "C" __global__ void four(int *p, int a, long long b, double c) {
                *p = a + (int) b + (int) c;
            }
            """;

    private static final int[] INT = {1};
    private static final long[] LONG = {2};
    private static final float[] FLOAT = {3};
    private static final double[] DOUBLE = {4};

    private int launchFour(Kernel four, Pointer... arguments) {
        return cuLaunchKernel(four.function(), 1, 1, 1, 1, 1, 1, 0, null, Pointer.to(arguments), null);
    }

    private void assertRefused(int result, String words) {
        assertEquals(CUDA_ERROR_INVALID_VALUE, result, words);
        assertTrue(SoftGpu.report().contains("arguments: cuLaunchKernel of four: ")
                && SoftGpu.report().contains(words), SoftGpu.report());
        SoftGpu.clearReport();
    }

    @Test
    void refusesArgumentsThatDoNotFit() {
        Kernel four = device.kernel(FOUR);
        Buffer out = device.buffer(0);
        Pointer p = Pointer.to(out.pointer());
        Pointer a = Pointer.to(INT);
        Pointer b = Pointer.to(LONG);
        Pointer c = Pointer.to(DOUBLE);
        check(launchFour(four, p, a, b, c));
        SoftDevice.synchronize();
        assertEquals(7, out.ints()[0]);
        assertRefused(launchFour(four, p, a, b), "3 arguments were given, 4 are wanted");
        assertRefused(launchFour(four, p, a, b, c, a), "5 arguments were given, 4 are wanted");
        assertRefused(launchFour(four), "0 arguments were given, 4 are wanted");
        assertRefused(launchFour(four, p, a, Pointer.to(INT), c), "argument 2 has 4 bytes, the parameter 8 bytes");
        assertRefused(launchFour(four, p, Pointer.to(LONG), b, c), "argument 1 has 8 bytes, the parameter 4 bytes");
        assertRefused(launchFour(four, p, a, b, Pointer.to(FLOAT)), "argument 3 has 4 bytes, the parameter 8 bytes");
        assertRefused(launchFour(four, a, a, b, c), "argument 0 has 4 bytes, the parameter 8 bytes");
        assertRefused(cuLaunchKernel(four.function(), 1, 1, 1, 1, 1, 1, 0, null, null, null),
                "no arguments were given, 4 are wanted");
        check(launchFour(four, p, a, b, c));
        check(cuCtxSynchronize());
    }

    @Test
    void leavesArgumentsAloneWithTheCheckOff() {
        SoftGpu.configure("checks=all+-arguments");
        Buffer out = device.buffer(0);
        check(launchFour(device.kernel(FOUR), Pointer.to(out.pointer()), Pointer.to(INT), Pointer.to(LONG),
                Pointer.to(DOUBLE), Pointer.to(INT)));
        SoftDevice.synchronize();
        assertEquals(7, out.ints()[0]);
    }

    @Test
    void refusesABufferOfArgumentsOfAnotherSize() {
        Kernel one = device.kernel("""
                extern "C" __global__ void one(int *p, int a) { *p = a; }
                """);
        Buffer out = device.buffer(0);
        ByteBuffer arguments = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
        arguments.putLong(0, addressOf(out.pointer())).putInt(8, 9);
        for (long bytes : new long[] {8, 16, 12}) {
            Pointer extra = Pointer.to(CU_LAUNCH_PARAM_BUFFER_POINTER, Pointer.to(arguments),
                    CU_LAUNCH_PARAM_BUFFER_SIZE, Pointer.to(new long[] {bytes}), CU_LAUNCH_PARAM_END);
            int result = cuLaunchKernel(one.function(), 1, 1, 1, 1, 1, 1, 0, null, null, extra);
            if (bytes == 12) {
                check(result);
            } else {
                assertEquals(CUDA_ERROR_INVALID_VALUE, result);
                assertTrue(SoftGpu.report().contains("has " + bytes + " bytes, the parameters take 12 bytes"),
                        SoftGpu.report());
                SoftGpu.clearReport();
            }
        }
        SoftDevice.synchronize();
        assertEquals(9, out.ints()[0]);
    }

    @Test
    void reportsLeaksOfADestroyedContext() {
        String report = leak();
        assertTrue(report.contains("leaks: context #") && report.contains("of 12345 bytes, device")
                && Pattern.compile("allocation #\\d+ of 12345 bytes").matcher(report).find(), report);
        assertEquals("", SoftGpu.liveAllocations());
        SoftGpu.clearReport();
        SoftGpu.configure("checks=all+-leaks");
        assertEquals("", leak());
    }

    private static String leak() {
        CUcontext context = new CUcontext();
        check(cuCtxCreate(context, 0, new CUdevice()));
        CUdeviceptr leaked = new CUdeviceptr();
        CUdeviceptr kept = new CUdeviceptr();
        check(cuMemAlloc(leaked, 12345));
        check(cuMemAlloc(kept, 54321));
        check(cuMemFree(kept));
        Matcher live = Pattern.compile("allocation #(\\d+) of 12345 bytes").matcher(SoftGpu.liveAllocations());
        assertTrue(live.find(), SoftGpu.liveAllocations());
        check(cuCtxDestroy(context));
        String report = SoftGpu.report();
        assertTrue(report.isEmpty() || report.contains("allocation #" + live.group(1) + " "), report);
        assertTrue(!report.contains("54321"), report);
        return report;
    }

    @Test
    void reportsFreeingTwiceOrInTheMiddle() {
        Buffer buffer = device.allocate(64);
        CUdeviceptr twice = new CUdeviceptr();
        check(cuMemAlloc(twice, 100));
        check(cuMemFree(twice));
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemFree(twice));
        assertTrue(SoftGpu.report().contains("cuMemFree_v2: no allocation begins") && SoftGpu.report()
                .contains("which was freed, of 100 bytes"), SoftGpu.report());
        SoftGpu.clearReport();
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemFree(buffer.at(32)));
        assertTrue(SoftGpu.report().contains("at byte 32 of allocation"), SoftGpu.report());
        SoftGpu.clearReport();
        assertEquals(CUDA_SUCCESS, cuMemFree(new CUdeviceptr()));
    }

    @Test
    void reportsHostCopiesBeyondAnAllocation() {
        Buffer buffer = device.allocate(64);
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(buffer.at(4), Pointer.to(new byte[64]), 64));
        assertTrue(SoftGpu.report().contains("cuMemcpyHtoD_v2: destination of 64 bytes at ") && SoftGpu.report()
                .contains(" does not lie in one live allocation; it is at byte 4 of allocation"),
                SoftGpu.report());
        SoftGpu.clearReport();
        assertNotEquals(CUDA_SUCCESS, cuMemsetD8(buffer.pointer(), (byte) 0, 65));
        assertTrue(SoftGpu.report().contains("cuMemsetD8_v2: destination of 65 bytes"), SoftGpu.report());
        SoftGpu.clearReport();
        check(cuMemcpyHtoD(buffer.pointer(), Pointer.to(new byte[64]), 16L * Sizeof.INT));
    }
}
