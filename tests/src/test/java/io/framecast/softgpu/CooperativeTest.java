package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.cuLaunchCooperativeKernel;
import static jcuda.driver.JCudaDriver.cuOccupancyMaxActiveBlocksPerMultiprocessor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Grids whose blocks wait for each other. */
class CooperativeTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("watchdog=20000000");

    /** The barrier of a grid as cooperative groups make it: in a workspace with its address in %envreg1 and 2. */
    private static final String SUMS = """
            __device__ unsigned *barrier() {
                unsigned low, high;
                asm("mov.u32 %0, %%envreg2;" : "=r"(low));
                asm("mov.u32 %0, %%envreg1;" : "=r"(high));
                return (unsigned *) ((unsigned long long) high << 32 | low) + 1;
            }
            __device__ void sync() {
                __syncthreads();
                if (threadIdx.x == 0) {
                    unsigned *b = barrier(), add = blockIdx.x == 0 ? 0x80000001u - gridDim.x : 1, old, now;
                    asm volatile("atom.add.release.gpu.u32 %0, [%1], %2;" : "=r"(old) : "l"(b), "r"(add) : "memory");
                    do asm volatile("ld.acquire.gpu.u32 %0, [%1];" : "=r"(now) : "l"(b) : "memory");
                    while (((old ^ now) & 0x80000000u) == 0);
                }
                __syncthreads();
            }
            // Inclusive prefix sums over all blocks, doubling the distance in each round.
            extern "C" __global__ void sums(int *a, int *b, int n) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                for (int d = 1; d < n; d *= 2) {
                    b[i] = a[i] + (i >= d ? a[i - d] : 0);
                    sync();
                    int *other = a;
                    a = b;
                    b = other;
                }
            }
            """;

    private static int launch(Kernel kernel, int grid, int block, Pointer... arguments) {
        int result = cuLaunchCooperativeKernel(kernel.function(), grid, 1, 1, block, 1, 1, 0, null,
                Pointer.to(arguments));
        if (result == CUDA_SUCCESS) {
            SoftDevice.synchronize();
        }
        return result;
    }

    @Test
    void blocksWaitForEachOther() {
        for (int threads : new int[] {1, 2, 3}) {
            SoftGpu.configure("threads=" + threads);
            int n = 20 * 96;
            int[] values = IntStream.range(0, n).map(i -> i * 7 % 13).toArray();
            Buffer a = device.buffer(values), b = device.buffer(new int[n]);
            assertEquals(CUDA_SUCCESS, launch(device.kernel(SUMS, "sums"), 20, 96, Pointer.to(a.pointer()),
                    Pointer.to(b.pointer()), Pointer.to(new int[] {n})));
            int[] expected = values.clone();
            Arrays.parallelPrefix(expected, Integer::sum);
            assertArrayEquals(expected, b.ints());      // eleven rounds
        }
    }

    @Test
    void refusesAGridThatCannotBeResident() {
        Kernel kernel = device.kernel(SUMS, "sums");
        int[] blocks = new int[1];
        SoftDevice.check(cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, kernel.function(), 1024, 0));
        assertTrue(blocks[0] >= 1);
        int most = blocks[0] * 108;     // multiprocessors
        Buffer a = device.allocate(4L * 1024 * most);
        SoftDevice.check(jcuda.driver.JCudaDriver.cuMemsetD32(a.pointer(), 1, 1024L * most));
        Pointer[] arguments = {Pointer.to(a.pointer()), Pointer.to(a.pointer()), Pointer.to(new int[] {1})};
        assertEquals(CUresult.stringFor(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE),
                CUresult.stringFor(launch(kernel, most + 1, 1024, arguments)));
        assertEquals(CUDA_SUCCESS, launch(kernel, most, 1024, arguments));
    }

    /** A barrier of 64 threads in the part of shared memory that the system keeps for libraries. */
    @Test
    void systemsPartOfSharedMemory() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void part(unsigned *out, unsigned n) {
                    __shared__ unsigned own[100];
                    unsigned begin, end, first, size, old;
                    asm("mov.u32 %0, %%reserved_smem_offset_begin;" : "=r"(begin));
                    asm("mov.u32 %0, %%reserved_smem_offset_end;" : "=r"(end));
                    asm("mov.u32 %0, %%reserved_smem_offset_1;" : "=r"(first));
                    asm("mov.u32 %0, %%reserved_smem_offset_cap;" : "=r"(size));
                    own[threadIdx.x] = n;
                    if (threadIdx.x == 0)
                        asm volatile("red.and.release.cta.shared.b32 [%0], 0;" :: "r"(first) : "memory");
                    __syncthreads();
                    asm volatile("atom.add.acq_rel.cta.shared.u32 %0, [%1], 1;"
                        : "=r"(old) : "r"(first) : "memory");
                    do asm volatile("ld.acquire.cta.shared.u32 %0, [%1];" : "=r"(old) : "r"(first) : "memory");
                            while (old < 64);
                    out[threadIdx.x] = own[63 - threadIdx.x] + (begin >= 400 && first >= begin && first + 4 <= end
                            && end - begin <= size);
                }
                """);
        Buffer out = device.allocate(256);
        kernel.launch(1, 64, out, 6);
        int[] expected = new int[64];
        Arrays.fill(expected, 7);
        assertArrayEquals(expected, out.ints());
    }

    /** It does not hide an access beyond the kernel's own part. */
    @Test
    void anAccessBeyondTheOwnPartIsNoneOfTheSystems() {
        for (int bytes : new int[] {128, 124, 0}) {
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void beyond(unsigned *out) {
                        extern __shared__ unsigned own[];
                        unsigned first;
                        asm("mov.u32 %0, %%reserved_smem_offset_1;" : "=r"(first));
                        own[threadIdx.x] = first;
                        out[threadIdx.x] = own[threadIdx.x];
                    }
                    """).shared(bytes);
            Buffer out = device.allocate(128);
            if (bytes == 128) {
                kernel.launch(1, 32, out);
                continue;
            }
            String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> kernel.launch(1, 32, out));
            assertTrue(report.contains("shared address 0x" + Integer.toHexString(bytes) + ", of " + bytes + " bytes"),
                    report);
        }
    }
}
