package io.framecast.backend.cuda.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.TestDevice;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.softgpu.SoftGpu;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The device that kernels are tested on: the software device with all its checks, or with {@code
 * -Dframecast.device=cuda} the machine's GPU. Everything created here is freed when the test ends. On the software
 * device the test fails if there is a report, or if anything is still allocated.
 */
public final class KernelDevice implements BeforeEachCallback, AfterEachCallback {

    private final Deque<AutoCloseable> made = new ArrayDeque<>();
    private CudaDevice device;
    private CudaOps ops;

    @Override
    public void beforeEach(ExtensionContext test) {
        device = CudaDevice.open(TestDevice.SOFTWARE);
        ops = new CudaOps(device, TestCompiler.images());
        if (TestDevice.SOFTWARE) {
            SoftGpu.configure("checks=all,counters=on");
            SoftGpu.clearReport();
            SoftGpu.resetCounters();
        }
    }

    @Override
    public void afterEach(ExtensionContext test) throws Exception {
        try {
            while (!made.isEmpty()) {
                made.pop().close();
            }
        } finally {
            device.close();
        }
        if (TestDevice.SOFTWARE) {
            String report = SoftGpu.report();
            SoftGpu.clearReport();
            assertEquals("", report, "a report of the device");
            assertEquals("", SoftGpu.liveAllocations(), "what was never freed");
        }
    }

    public CudaDevice get() {
        return device;
    }

    /** The state shared by the ops of this test. */
    public CudaOps ops() {
        return ops;
    }

    /** @param options of the compiler, such as "-DWIDTH=64" */
    public CudaKernel kernel(String file, String name, String... options) {
        return ops.kernel(file, name, List.of(options));
    }

    public DeviceMemory memory(float... values) {
        DeviceMemory memory = unwritten(values.length);
        memory.write(0, values, 0, values.length);
        return memory;
    }

    /** Uninitialised memory of this many floats. */
    public DeviceMemory unwritten(int floats) {
        return own(device.allocate(4L * floats));
    }

    public static float[] read(DeviceMemory memory) {
        float[] values = new float[Math.toIntExact(memory.bytes() / 4)];
        memory.read(0, values, 0, values.length);
        return values;
    }

    /** Closes it when the test ends, in reverse order of creation. */
    public <T extends AutoCloseable> T own(T thing) {
        made.push(thing);
        return thing;
    }
}
