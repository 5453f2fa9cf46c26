package io.framecast.softgpu;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.backend.cuda.library.JCudaLibrary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.function.Executable;

/**
 * The software CUDA device for the tests of a class, each with a context of its own:
 *
 * <pre>{@code
 * @RegisterExtension
 * final SoftDevice device = new SoftDevice();
 *
 * @Test
 * void doubles() {
 *     Kernel kernel = device.kernel("""
 *             extern "C" __global__ void twice(float *x) { x[threadIdx.x] *= 2; }
 *             """);
 *     Buffer x = device.buffer(new float[] {1, 2, 3});
 *     kernel.launch(1, 3, x);
 *     assertArrayEquals(new float[] {2, 4, 6}, x.floats());
 * }
 * }</pre>
 *
 * Everything created here is freed when the test ends. The test fails if the device has a report that {@link
 * #expectFault} did not consume, or if memory that the test itself allocated through JCuda is not freed. Settings,
 * injected faults and counters are reset for each test.
 */
final class SoftDevice implements BeforeEachCallback, AfterEachCallback {

    private static final String DEFAULTS = "checks=all,counters=on,threads=0,compute=80,memory=16g,watchdog=0";

    private static final Pattern KERNEL = Pattern.compile(
            "__global__\\s+void\\s+(?:__launch_bounds__\\s*\\([^)]*\\)\\s*)?(\\w+)");

    /** Compiled once in this JVM, by architecture and source. */
    private static final Map<List<String>, String> PTX = new ConcurrentHashMap<>();

    private final String settings;
    private final Deque<AutoCloseable> made = new ArrayDeque<>();
    private CUcontext context;

    SoftDevice() {
        this("");
    }

    /** @param settings other than the defaults, as {@link SoftGpu#configure} takes them: "compute=90,watchdog=9999" */
    SoftDevice(String settings) {
        this.settings = settings;
    }

    @Override
    public void beforeEach(ExtensionContext test) {
        SoftGpu.load();
        JCudaLibrary.DRIVER.load();
        JCudaDriver.setExceptionsEnabled(false);
        check(cuInit(0));
        SoftGpu.configure(DEFAULTS);
        SoftGpu.sample(0, 1);
        if (!settings.isEmpty()) {
            SoftGpu.configure(settings);
        }
        forget();
        openContext();
    }

    @Override
    public void afterEach(ExtensionContext test) {
        SoftGpu.inject(null);
        String report = SoftGpu.report();
        closeContext();
        String leaks = SoftGpu.liveAllocations();
        String leakReport = report.isEmpty() ? SoftGpu.report() : "";
        forget();
        if (test.getExecutionException().isEmpty()) {
            assertEquals("", report, "a report that the test did not expect");
            assertEquals("", leaks, "allocations that the test did not free");
            assertEquals("", leakReport, "a report of the end of the context");
        }
    }

    private static void forget() {
        SoftGpu.inject(null);
        SoftGpu.clearReport();
        SoftGpu.resetCounters();
    }

    private void openContext() {
        CUdevice device = new CUdevice();
        check(cuDeviceGet(device, 0));
        context = new CUcontext();
        check(cuCtxCreate(context, 0, device));
    }

    /**
     * Frees everything in reverse order of creation. After a fault the driver refuses that, and the context frees it.
     */
    private void closeContext() {
        while (!made.isEmpty()) {
            try {
                made.pop().close();
            } catch (Exception e) {
                // Ignored: memory that stays allocated is detected below.
            }
        }
        cuCtxDestroy(context);
    }

    /** Fails unless a driver call succeeded. */
    static void check(int result) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new CudaError(result, SoftGpu.report());
        }
    }

    /** A driver call that failed, with the device's report. */
    static final class CudaError extends RuntimeException {
        final int result;

        CudaError(int result, String report) {
            super(CUresult.stringFor(result) + (report.isEmpty() ? "" : "\n" + report));
            this.result = result;
        }
    }

    /**
     * Runs code that must end with a reported fault, and creates a new context afterwards: kernels and buffers created
     * before are invalid.
     *
     * @param result the {@link CUresult} it must end with
     * @return the report
     */
    String expectFault(int result, Executable faulty) {
        CudaError error = assertThrows(CudaError.class, faulty);
        String report = SoftGpu.report();
        assertEquals(CUresult.stringFor(result), CUresult.stringFor(error.result), report);
        assertFalse(report.isEmpty(), "a failed call left no report: " + error.getMessage());
        closeContext();
        assertEquals("", SoftGpu.liveAllocations(), "allocations that outlive their context");
        SoftGpu.clearReport();
        openContext();
        return report;
    }

    /** Compiles CUDA C++ for the compute capability that this device is set to, once in this JVM. */
    String compile(String source) {
        Matcher compute = Pattern.compile("compute=(\\d+)").matcher(settings);
        String architecture = "compute_" + (compute.find() ? compute.group(1) : "80");
        return PTX.computeIfAbsent(List.of(architecture, source), key -> TestCompiler.ptx("test.cu", source,
                architecture, List.of("--generate-line-info", "--std=c++17")));
    }

    /** The only kernel of a CUDA source, or its first. */
    Kernel kernel(String source) {
        Matcher name = KERNEL.matcher(source);
        if (!name.find()) {
            throw new IllegalArgumentException("no __global__ function in the source");
        }
        return module(source).kernel(name.group(1));
    }

    /** A kernel, by its name in the PTX ({@code extern "C"}), of a CUDA source with several. */
    Kernel kernel(String source, String name) {
        return module(source).kernel(name);
    }

    /** A kernel of PTX written by hand. */
    Kernel ptxKernel(String ptx, String name) {
        return ptxModule(ptx).kernel(name);
    }

    Module module(String source) {
        return ptxModule(compile(source));
    }

    Module ptxModule(String ptx) {
        CUmodule module = new CUmodule();
        check(cuModuleLoadData(module, (ptx + '\0').getBytes(StandardCharsets.UTF_8)));
        return own(new Module(module));
    }

    Buffer buffer(byte... values) {
        return buffer(values.length, Pointer.to(values));
    }

    Buffer buffer(short... values) {
        return buffer(2L * values.length, Pointer.to(values));
    }

    Buffer buffer(int... values) {
        return buffer(4L * values.length, Pointer.to(values));
    }

    Buffer buffer(long... values) {
        return buffer(8L * values.length, Pointer.to(values));
    }

    Buffer buffer(float... values) {
        return buffer(4L * values.length, Pointer.to(values));
    }

    Buffer buffer(double... values) {
        return buffer(8L * values.length, Pointer.to(values));
    }

    private Buffer buffer(long bytes, Pointer values) {
        Buffer buffer = allocate(bytes);
        check(cuMemcpyHtoD(buffer.pointer(), values, bytes));
        return buffer;
    }

    /** Uninitialised memory. */
    Buffer allocate(long bytes) {
        CUdeviceptr pointer = new CUdeviceptr();
        check(cuMemAlloc(pointer, bytes));
        return own(new Buffer(pointer, bytes));
    }

    private <T extends AutoCloseable> T own(T resource) {
        made.push(resource);
        return resource;
    }

    /** Waits for the device; faults of launches are reported here. */
    static void synchronize() {
        check(cuCtxSynchronize());
    }
}
