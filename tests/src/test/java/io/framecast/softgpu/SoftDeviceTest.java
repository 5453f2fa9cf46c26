package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.cuda.driver.CudaDriver;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The complete path from CUDA C++ to results, and the device's controls. */
class SoftDeviceTest {

    private static final String TWICE = """
            extern "C" __global__ void twice(float *x, int n) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) {
                    x[i] *= 2;
                }
            }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    @Test
    void runsAKernel() {
        Buffer x = device.buffer(1f, 2f, 3f, 4f, 5f);
        device.kernel(TWICE).launch(2, 3, x, 5);
        assertArrayEquals(new float[] {2, 4, 6, 8, 10}, x.floats());
    }

    @Test
    void reportsAFaultAndGoesOn() {
        Kernel kernel = device.kernel(TWICE);
        Buffer x = device.buffer(1f, 2f);
        String report = device.expectFault(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, () -> kernel.launch(1, 32, x, 3));
        assertTrue(report.contains("twice") && report.contains("test.cu"), report);
        runsAKernel();
    }

    @Test
    void listsWhatIsAllocated() {
        CUdeviceptr pointer = new CUdeviceptr();
        check(cuMemAlloc(pointer, 1000));
        assertTrue(SoftGpu.liveAllocations().contains("1000"), SoftGpu.liveAllocations());
        check(cuMemFree(pointer));
        assertEquals("", SoftGpu.liveAllocations());
    }

    @Test
    void failsCallsThatItIsToldToFail() {
        SoftGpu.inject("alloc:2=CUDA_ERROR_OUT_OF_MEMORY");
        device.allocate(4);
        assertEquals(CUresult.CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 4));
        device.allocate(4);
    }

    @Test
    void countsByKernel() {
        device.kernel(TWICE).launch(1, 32, device.buffer(1f, 2f), 2);
        assertTrue(SoftGpu.countersJson().contains("\"twice\""), SoftGpu.countersJson());
        assertTrue(SoftGpu.countersTable().contains("twice"), SoftGpu.countersTable());
        assertTrue(SoftGpu.listing("twice", TWICE).contains("x[i] *= 2;"), SoftGpu.listing("twice", TWICE));
        SoftGpu.resetCounters();
        assertFalse(SoftGpu.countersJson().contains("\"twice\""), SoftGpu.countersJson());
        long calls = SoftGpu.callCount();
        SoftDevice.synchronize();
        assertEquals(calls + 1, SoftGpu.callCount());
    }

    @Test
    void saysWhatIsWrongWithItsControls() {
        for (String settings : new String[] {"colour=red", "compute=12", "checks=speed", "threads"}) {
            String message = assertThrows(IllegalArgumentException.class, () -> SoftGpu.configure(settings))
                    .getMessage();
            assertFalse(message.isBlank(), settings);
        }
        assertThrows(IllegalArgumentException.class, () -> SoftGpu.inject("alloc"));
    }

    @Test
    void isTheOnlyDriverOfItsProcess() {
        assertEquals(80, CudaDriver.openSoftware().devices().get(0).computeCapability());
        assertTrue(SoftGpu.loadedDriver().orElseThrow().endsWith("libcuda.so.1"));
        assertTrue(assertThrows(FramecastException.class, CudaDriver::open).getMessage().contains("software"));
    }
}
