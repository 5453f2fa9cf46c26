package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.ChildJvm;
import java.nio.file.Path;
import java.util.zip.Deflater;
import jcuda.CudaException;
import jcuda.driver.JCudaDriver;
import jcuda.runtime.JCuda;
import jcuda.runtime.cudaError;
import org.junit.jupiter.api.Test;

/**
 * Programs of the CUDA runtime, which the device does not serve yet. The runtime opens the driver, and closes it again
 * when it finds that it cannot work with it.
 */
class RuntimeApiTest {

    @Test
    void survivesARuntimeThatGivesUp() throws Exception {
        SoftGpu.load();
        Path driver = Path.of(SoftGpu.loadedDriver().orElseThrow());
        assertEquals("no runtime, but Java and the driver go on", new ChildJvm()
                .environment("LD_LIBRARY_PATH", driver.getParent()).run(RuntimeApiTest.class));
    }

    /** In a process of its own, whose first call of CUDA is one of the runtime. */
    public static void main(String[] arguments) {
        if (JCuda.cudaGetDeviceCount(new int[1]) == cudaError.cudaSuccess) {
            throw new AssertionError("The runtime works: test it.");
        }
        // Both get arrays by the JVM's table of functions.
        new Deflater().deflate(new byte[100]);
        int[] count = new int[1];
        JCudaDriver.setExceptionsEnabled(true);
        try {
            JCudaDriver.cuInit(0);
            JCudaDriver.cuDeviceGetCount(count);
        } catch (CudaException e) {
            throw new AssertionError(e);
        }
        System.out.println(count[0] == 1 ? "no runtime, but Java and the driver go on" : "devices: " + count[0]);
    }
}
