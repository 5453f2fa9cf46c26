package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUfunction;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Launches that a real device refuses, and how many blocks fit on a multiprocessor: by hand from the CUDA C++
 * Programming Guide, "Technical Specifications per Compute Capability", and NVIDIA's occupancy calculator.
 */
class LaunchLimitTest {

    private static final String EMPTY = """
            extern "C" __global__ void empty() { }
            """;

    private static final String DYNAMIC = """
            extern "C" __global__ void dynamic(int n) {
                extern __shared__ int s[];
                s[n] = n;
            }
            """;

    /** 4 KiB of static shared memory. */
    private static final String STATIC = """
            extern "C" __global__ void fixed(int n) {
                __shared__ volatile int s[1024];
                extern __shared__ int more[];
                s[n] = n;
                more[n] = n;
            }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private static int launch(Kernel kernel, Kernel.Dim grid, Kernel.Dim block, int shared) {
        Pointer arguments = Pointer.to(Pointer.to(new int[1]));
        int result = cuLaunchKernel(kernel.function(), grid.x(), grid.y(), grid.z(), block.x(), block.y(), block.z(),
                shared, null, arguments, null);
        return result == CUDA_SUCCESS ? cuCtxSynchronize() : result;
    }

    private static int launch(Kernel kernel, int block, int shared) {
        return launch(kernel, Kernel.Dim.of(1), Kernel.Dim.of(block), shared);
    }

    private static void assertResult(int expected, int actual) {
        assertEquals(CUresult.stringFor(expected), CUresult.stringFor(actual), SoftGpu.report());
    }

    private static int attribute(Kernel kernel, int attribute) {
        int[] value = new int[1];
        check(cuFuncGetAttribute(value, attribute, kernel.function()));
        return value[0];
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1024, 1, 1, true",
        "1, 1, 1, 1, 1024, 1, true",
        "1, 1, 1, 16, 1, 64, true",
        "1, 1, 1, 32, 32, 1, true",
        "0, 1, 1, 1, 1, 1, false",
        "1, 0, 1, 1, 1, 1, false",
        "1, 1, 0, 1, 1, 1, false",
        "1, 1, 1, 0, 1, 1, false",
        "1, 1, 1, 1, 0, 1, false",
        "1, 1, 1, 1, 1, 0, false",
        "1, 1, 1, 1025, 1, 1, false",
        "1, 1, 1, 1, 1025, 1, false",
        "1, 1, 1, 1, 1, 65, false",
        "1, 1, 1, 33, 32, 1, false",
        "1, 1, 1, 32, 32, 2, false",
        "1, 65536, 1, 1, 1, 1, false",
        "1, 1, 65536, 1, 1, 1, false",
        "-1, 1, 1, 1, 1, 1, false",
        "65536, 1, 1, 1, 1, 1, true",
        "1, 65535, 1, 1, 1, 1, true"})
    void takesGridsAndBlocksUpToTheirLimits(int gx, int gy, int gz, int bx, int by, int bz, boolean fits) {
        Kernel empty = device.kernel(EMPTY);
        int result = cuLaunchKernel(empty.function(), gx, gy, gz, bx, by, bz, 0, null, null, null);
        assertResult(fits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE, result);
        SoftDevice.synchronize();
    }

    @Test
    void needsAnOptInForMuchSharedMemory() {
        Kernel dynamic = device.kernel(DYNAMIC);
        assertResult(CUDA_SUCCESS, launch(dynamic, 1, 48 * 1024));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(dynamic, 1, 48 * 1024 + 1));
        assertEquals(48 * 1024, attribute(dynamic, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES));
        int most = 163 * 1024;
        assertResult(CUDA_ERROR_INVALID_VALUE, optIn(dynamic, most + 1));
        assertResult(CUDA_ERROR_INVALID_VALUE, optIn(dynamic, -1));
        check(optIn(dynamic, 100 * 1024));
        assertResult(CUDA_SUCCESS, launch(dynamic, 1, 100 * 1024));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(dynamic, 1, 100 * 1024 + 1));
        check(optIn(dynamic, most));
        assertResult(CUDA_SUCCESS, launch(dynamic, 1, most));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(dynamic, 1, most + 1));
    }

    private static int optIn(Kernel kernel, int bytes) {
        return cuFuncSetAttribute(kernel.function(), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
    }

    @Test
    void countsStaticSharedMemoryToo() {
        Kernel fixed = device.kernel(STATIC);
        assertEquals(4096, attribute(fixed, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES));
        assertResult(CUDA_SUCCESS, launch(fixed, 1, 44 * 1024));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(fixed, 1, 44 * 1024 + 1));
        assertResult(CUDA_ERROR_INVALID_VALUE, optIn(fixed, 160 * 1024));
        check(optIn(fixed, 159 * 1024));
        assertResult(CUDA_SUCCESS, launch(fixed, 1, 159 * 1024));
    }

    @Test
    void keepsToTheLaunchBoundsOfAKernel() {
        Kernel bounded = device.kernel("""
                extern "C" __global__ void __launch_bounds__(96) bounded() { }
                """);
        assertEquals(96, attribute(bounded, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK));
        assertResult(CUDA_SUCCESS, launch(bounded, 96, 0));
        assertResult(CUDA_SUCCESS, launch(bounded, Kernel.Dim.of(1), Kernel.Dim.of(2, 48), 0));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(bounded, 97, 0));
        int[] blocks = {-1};
        check(cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, bounded.function(), 128, 0));
        assertEquals(0, blocks[0]);
    }

    @Test
    void wantsTheBlockThatAKernelRequires() {
        String ptx = """
                .version 7.0
                .target sm_80
                .address_size 64
                .visible .entry required()
                .reqntid 16, 4
                { ret; }
                """;
        Kernel required = device.ptxKernel(ptx, "required");
        assertResult(CUDA_SUCCESS, launch(required, Kernel.Dim.of(3), Kernel.Dim.of(16, 4), 0));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(required, Kernel.Dim.of(1), Kernel.Dim.of(4, 16), 0));
        assertResult(CUDA_ERROR_INVALID_VALUE, launch(required, 64, 0));
    }

    /** Keeps {@code values} floats alive at once. */
    private static String heavy(int values) {
        return """
                extern "C" __global__ void heavy(float *x) {
                    float v[N];
                    #pragma unroll
                    for (int k = 0; k < N; ++k) v[k] = ((volatile float *) x)[k];
                    #pragma unroll
                    for (int k = 0; k < N; ++k) ((volatile float *) x)[N - 1 - k] = v[k];
                }
                """.replace("N", Integer.toString(values));
    }

    @Test
    void refusesBlocksThatNeedMoreRegistersThanThereAre() {
        Kernel heavy = device.kernel(heavy(150));
        int registers = attribute(heavy, CU_FUNC_ATTRIBUTE_NUM_REGS);
        assertTrue(registers > 128 && registers <= 255, registers + " registers");
        Buffer x = device.buffer(new float[150]);
        Pointer arguments = Pointer.to(Pointer.to(x.pointer()));
        // 65536 registers: at most 64 for each of 1024 threads, 128 for 512, and here more are needed.
        for (int threads : new int[] {512, 768, 1024}) {
            assertResult(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
                    cuLaunchKernel(heavy.function(), 1, 1, 1, threads, 1, 1, 0, null, arguments, null));
        }
        check(cuLaunchKernel(heavy.function(), 1, 1, 1, 32, 1, 1, 0, null, arguments, null));
    }

    // ---- Occupancy ----------------------------------------------------------------------------------------------

    private static int blocks(CUfunction function, int threads, long dynamicShared) {
        int[] blocks = new int[1];
        check(cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamicShared));
        return blocks[0];
    }

    /** Blocks by threads alone: 64 warps a multiprocessor, 32 blocks. */
    @Test
    void fitsBlocksByTheirWarps() {
        CUfunction empty = device.kernel(EMPTY).function();
        int[] threads = {1, 32, 33, 64, 96, 128, 256, 384, 512, 768, 1000, 1024};
        int[] blocks = {32, 32, 32, 32, 21, 16, 8, 5, 4, 2, 2, 2};
        for (int i = 0; i < threads.length; ++i) {
            assertEquals(blocks[i], blocks(empty, threads[i], 0), threads[i] + " threads");
        }
        assertEquals(0, blocks(empty, 1056, 0));
    }

    /** From 164 KiB (or 228 KiB) a block uses its own bytes plus 1 KiB for the system, in units of 128 bytes. */
    @ParameterizedTest
    @CsvSource({
        "80, 0, 32", "80, 3072, 32", "80, 16384, 9", "80, 49152, 3", "80, 81920, 2", "80, 100000, 1", "80, 166912, 1",
        "80, 32768, 4", "80, 32769, 4", "80, 31744, 5", "80, 32512, 5", "80, 32513, 4",
        "80, 54912, 3", "80, 54913, 2", "80, 32640, 4",
        "90, 16384, 13", "90, 49152, 4", "90, 232448, 1", "90, 115712, 2", "90, 115713, 1", "90, 0, 32"})
    void fitsBlocksByTheirSharedMemory(int compute, int shared, int blocks) {
        onCompute(compute, () -> {
            CUfunction dynamic = device.kernel(DYNAMIC).function();
            assertEquals(blocks, blocks(dynamic, 32, shared));
        });
    }

    /** With another compute capability, which can only be set in a process without contexts. */
    private static void onCompute(int compute, Runnable body) {
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        check(cuCtxDestroy(context));
        SoftGpu.configure("compute=" + compute);
        CUcontext own = new CUcontext();
        check(cuCtxCreate(own, 0, new CUdevice()));
        try {
            body.run();
        } finally {
            SoftGpu.configure("checks=all+-leaks");         // the kernel's module
            check(cuCtxDestroy(own));
            SoftGpu.configure("checks=all,compute=80");
        }
    }

    @Test
    void knowsTheOptInLimitOfOtherDevices() {
        onCompute(90, () -> {
            Kernel dynamic = device.kernel(DYNAMIC);
            assertResult(CUDA_ERROR_INVALID_VALUE, optIn(dynamic, 227 * 1024 + 1));
            check(optIn(dynamic, 227 * 1024));
            assertResult(CUDA_SUCCESS, launch(dynamic, 1, 227 * 1024));
        });
    }

    /** Registers are allocated per warp in units of 256, from one of the four quarters of 65536. */
    @Test
    void fitsBlocksByTheirRegisters() {
        Kernel heavy = device.kernel(heavy(90));
        int registers = attribute(heavy, CU_FUNC_ATTRIBUTE_NUM_REGS);
        int perWarp = (registers * 32 + 255) / 256 * 256;
        int warps = 4 * (16384 / perWarp);
        assertTrue(warps < 64, registers + " registers");
        for (int threads : new int[] {32, 64, 96, 128, 256, 320, 512}) {
            assertEquals(Math.min(32, warps / (threads / 32)), blocks(heavy.function(), threads, 0),
                    threads + " threads of " + registers + " registers");
        }
    }

    @Test
    void findsTheBlockSizeThatFillsAMultiprocessor() {
        int[] grid = new int[1];
        int[] block = new int[1];
        CUfunction empty = device.kernel(EMPTY).function();
        check(cuOccupancyMaxPotentialBlockSize(grid, block, empty, null, 0, 0));
        assertEquals(1024, block[0]);
        assertEquals(2 * 108, grid[0]);
        check(cuOccupancyMaxPotentialBlockSize(grid, block, empty, null, 0, 300));
        assertEquals(256, block[0], "288 threads would keep 7 blocks, 2016 threads, 256 all 2048");
        assertEquals(8 * 108, grid[0]);
        // A block's memory grows with its threads: 64 bytes each, so that 2048 threads need 128 KiB of 164.
        check(cuOccupancyMaxPotentialBlockSize(grid, block, empty, threads -> 64 * threads, 0, 0));
        assertEquals(1024, block[0]);
        assertEquals(2 * 108, grid[0]);
        // 24 KiB per block: 6 blocks fit. 6 of 320 threads (1920) and 5 of 384 (1920) are fewer than 4 of 512 (2048).
        check(cuOccupancyMaxPotentialBlockSize(grid, block, empty, null, 24 * 1024, 1000));
        assertEquals(512, block[0]);
        assertEquals(4 * 108, grid[0]);
    }

    @Test
    void tellsHowMuchSharedMemoryIsLeftForEachBlock() {
        long[] bytes = new long[1];
        CUfunction empty = device.kernel(EMPTY).function();
        // 164 KiB for two: 82 each, less the system's 1.
        check(cuOccupancyAvailableDynamicSMemPerBlock(bytes, empty, 2, 128));
        assertEquals(81 * 1024, bytes[0]);
        check(cuOccupancyAvailableDynamicSMemPerBlock(bytes, empty, 1, 128));
        assertEquals(163 * 1024, bytes[0]);
        check(cuOccupancyAvailableDynamicSMemPerBlock(bytes, device.kernel(STATIC).function(), 4, 128));
        assertEquals(41 * 1024 - 1024 - 4096, bytes[0]);
        for (int blocks : new int[] {1, 2, 3, 5, 7, 16}) {
            check(cuOccupancyAvailableDynamicSMemPerBlock(bytes, empty, blocks, 128));
            assertTrue(blocks(empty, 128, bytes[0]) >= blocks, "what is said to fit does");
        }
        assertResult(CUDA_ERROR_INVALID_VALUE, cuOccupancyAvailableDynamicSMemPerBlock(bytes, empty, 17, 128));
    }
}
