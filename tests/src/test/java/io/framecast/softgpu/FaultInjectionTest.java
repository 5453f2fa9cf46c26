package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_PTX;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_READY;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.CUresult.CUDA_ERROR_UNKNOWN;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Injected faults: the right call fails with the right code, and nothing else is affected. */
class FaultInjectionTest {

    private static final String ADD = """
            extern "C" __global__ void add(int *x, int n) { if (threadIdx.x < n) x[threadIdx.x] += 1; }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private static void assertResult(int expected, int actual) {
        assertEquals(CUresult.stringFor(expected), CUresult.stringFor(actual), SoftGpu.report());
    }

    private static int launch(Kernel kernel, Buffer x) {
        Pointer arguments = Pointer.to(Pointer.to(x.pointer()), Pointer.to(new int[] {1}));
        return cuLaunchKernel(kernel.function(), 1, 1, 1, 1, 1, 1, 0, null, arguments, null);
    }

    @Test
    void failsTheNthCallOfAKindAndOnlyThat() {
        Kernel add = device.kernel(ADD);
        Buffer x = device.buffer(0);
        SoftGpu.inject("alloc:2=CUDA_ERROR_OUT_OF_MEMORY,copy:3=1,launch:1=701,synchronize:2=CUDA_ERROR_NOT_READY,"
                + "load:1=CUDA_ERROR_INVALID_PTX");
        device.allocate(4);
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAllocHost(new Pointer(), 4));
        device.allocate(4);
        assertResult(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, launch(add, x));
        assertResult(CUDA_SUCCESS, launch(add, x));
        assertEquals(1, x.ints()[0]);
        check(cuMemsetD32(x.pointer(), 5, 1));
        assertResult(CUresult.CUDA_ERROR_INVALID_VALUE, cuMemsetD32(x.pointer(), 6, 1));
        assertEquals(5, x.ints()[0]);
        SoftDevice.synchronize();
        assertResult(CUDA_ERROR_NOT_READY, cuStreamSynchronize(null));
        SoftDevice.synchronize();
        byte[] image = (device.compile(ADD) + '\0').getBytes(StandardCharsets.UTF_8);
        assertResult(CUDA_ERROR_INVALID_PTX, cuModuleLoadData(new CUmodule(), image));
        device.module(ADD);
    }

    @Test
    void failsTheNthCallOfAFunction() {
        SoftGpu.inject("cuMemAlloc:2=2,cuCtxSynchronize:1=702,cuDriverGetVersion:1=34,cuInit:1=802");
        assertResult(CUresult.CUDA_ERROR_STUB_LIBRARY, cuDriverGetVersion(new int[1]));
        assertResult(CUDA_SUCCESS, cuDriverGetVersion(new int[1]));
        assertResult(CUresult.CUDA_ERROR_SYSTEM_NOT_READY, cuInit(0));
        assertResult(CUDA_SUCCESS, cuInit(0));
        device.allocate(4);
        Pointer host = new Pointer();
        check(cuMemAllocHost(host, 4));         // another function, whose name begins alike
        check(cuMemFreeHost(host));
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 4));
        device.allocate(4);
        CUcontext own = new CUcontext();
        check(cuCtxCreate(own, 0, new CUdevice()));
        assertResult(CUresult.CUDA_ERROR_LAUNCH_TIMEOUT, cuCtxSynchronize());
        assertResult(CUresult.CUDA_ERROR_LAUNCH_TIMEOUT, cuMemAlloc(new CUdeviceptr(), 4));
        check(cuCtxDestroy(own));
    }

    @Test
    void claimsOtherAttributesAndMoreDevices() {
        int[] value = new int[1];
        CUdevice second = new CUdevice();
        assertResult(CUresult.CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(second, 1));
        SoftGpu.inject("attribute:20=3,devices=2");
        check(cuDeviceGetCount(value));
        assertEquals(2, value[0]);
        check(cuDeviceGet(second, 1));
        check(cuDeviceGetAttribute(value, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, second));
        assertEquals(3, value[0]);
        assertResult(CUresult.CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(new CUdevice(), 2));
        SoftGpu.inject(null);
        check(cuDeviceGetAttribute(value, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, new CUdevice()));
        assertEquals(0, value[0]);
    }

    @Test
    void failsSeveralCallsOfOneKind() {
        SoftGpu.inject("alloc:1=2,alloc:3=2");
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 4));
        device.allocate(4);
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 4));
        device.allocate(4);
    }

    @Test
    void staysFailedAfterAFaultOfTheDevice() {
        Kernel add = device.kernel(ADD);
        Buffer x = device.buffer(0);
        for (int error : new int[] {CUDA_ERROR_ILLEGAL_ADDRESS, CUDA_ERROR_LAUNCH_FAILED}) {
            CUcontext own = new CUcontext();
            check(cuCtxCreate(own, 0, new CUdevice()));
            SoftGpu.inject("synchronize:1=" + error);
            assertResult(error, cuCtxSynchronize());
            assertResult(error, cuCtxSynchronize());
            assertResult(error, cuMemAlloc(new CUdeviceptr(), 4));
            check(cuCtxDestroy(own));
        }
        add.launch(1, 1, x, 1);
        assertEquals(1, x.ints()[0]);
    }

    @Test
    void limitsTheMemoryThatCanBeAllocated() {
        CUdeviceptr before = new CUdeviceptr();
        check(cuMemAlloc(before, 1 << 20));
        SoftGpu.inject("memory=4m");
        device.allocate(3 << 20);
        long[] available = new long[1];
        check(cuMemGetInfo(available, new long[1]));
        assertEquals(0, available[0]);
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 1));
        check(cuMemFree(before));
        CUdeviceptr again = new CUdeviceptr();
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(again, (1 << 20) + 1));
        check(cuMemAlloc(again, 1 << 20));
        check(cuMemFree(again));
        SoftGpu.inject("");
        device.allocate(64 << 20);
    }

    @Test
    void losesTheDeviceForGood() {
        Buffer x = device.buffer(1);
        SoftGpu.inject("lost:3");
        SoftDevice.synchronize();
        SoftDevice.synchronize();
        assertResult(CUDA_ERROR_UNKNOWN, cuCtxSynchronize());
        assertResult(CUDA_ERROR_UNKNOWN, cuMemAlloc(new CUdeviceptr(), 4));
        assertResult(CUDA_ERROR_UNKNOWN, cuMemcpyDtoH(Pointer.to(new int[1]), x.pointer(), 4));
        assertResult(CUDA_ERROR_UNKNOWN, cuInit(0));
        String[] name = new String[1];
        check(cuGetErrorName(CUDA_ERROR_UNKNOWN, name));
        assertEquals("CUDA_ERROR_UNKNOWN", name[0]);
        SoftGpu.inject(null);
        assertEquals(1, x.ints()[0]);
    }

    @Test
    void countsEveryCall() {
        long before = SoftGpu.callCount();
        cuCtxSynchronize();
        cuMemFree(new CUdeviceptr());
        cuMemAlloc(new CUdeviceptr(), 0);       // a failed call counts, too
        assertEquals(before + 3, SoftGpu.callCount());
    }

    @Test
    void refusesFaultsThatAreNone() {
        for (String wrong : new String[] {"alloc:0=2", "alloc:1=0", "alloc:1=CUDA_WRONG", "free:1=2", "alloc:-1=2",
                "memory=4x", "memory=", "lost:0", "lost:", "lost:3=2", "alloc:1", "alloc:1=2,,", "cuda:1=2",
                "cuInit:0=2", "cuInit=2", "attribute:0=1", "attribute:20=", "attribute:20=-1", "devices=65",
                "devices="}) {
            assertThrows(IllegalArgumentException.class, () -> SoftGpu.inject(wrong), wrong);
        }
    }

    // ---- Every call of a program fails in turn ------------------------------------------------------------------

    /** A program that uses a little of everything and frees it. It ends at the first error. */
    private static final class Program {
        private final String ptx;
        private final List<Runnable> release = new ArrayList<>();
        final int[] result = {-1};

        Program(String ptx) {
            this.ptx = ptx;
        }

        void run() {
            try {
                CUmodule module = new CUmodule();
                check(cuModuleLoadData(module, (ptx + '\0').getBytes(StandardCharsets.UTF_8)));
                release.add(() -> cuModuleUnload(module));
                CUfunction add = new CUfunction();
                check(cuModuleGetFunction(add, module, "add"));
                CUstream stream = new CUstream();
                check(cuStreamCreate(stream, 1));
                release.add(() -> cuStreamDestroy(stream));
                CUevent event = new CUevent();
                check(cuEventCreate(event, 0));
                release.add(() -> cuEventDestroy(event));
                CUdeviceptr x = new CUdeviceptr();
                check(cuMemAlloc(x, 4));
                release.add(() -> cuMemFree(x));
                Pointer host = new Pointer();
                check(cuMemAllocHost(host, 4));
                release.add(() -> cuMemFreeHost(host));
                check(cuMemsetD32Async(x, 5, 1, stream));
                Pointer arguments = Pointer.to(Pointer.to(x), Pointer.to(new int[] {1}));
                check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
                Runnable abandon = () -> {
                    CUgraph abandoned = new CUgraph();
                    if (cuStreamEndCapture(stream, abandoned) == CUDA_SUCCESS) {
                        cuGraphDestroy(abandoned);
                    }
                };
                release.add(abandon);       // nothing could be freed while the stream captures
                check(cuLaunchKernel(add, 1, 1, 1, 1, 1, 1, 0, stream, arguments, null));
                CUgraph graph = new CUgraph();
                check(cuStreamEndCapture(stream, graph));
                release.remove(abandon);
                release.add(() -> cuGraphDestroy(graph));
                CUgraphExec exec = new CUgraphExec();
                check(cuGraphInstantiate(exec, graph, 0));
                release.add(() -> cuGraphExecDestroy(exec));
                check(cuGraphLaunch(exec, stream));
                check(cuGraphLaunch(exec, stream));
                check(cuLaunchKernel(add, 1, 1, 1, 1, 1, 1, 0, stream, arguments, null));
                check(cuEventRecord(event, stream));
                check(cuStreamWaitEvent(null, event, 0));
                check(cuMemcpyDtoHAsync(host, x, 4, stream));
                check(cuStreamSynchronize(stream));
                check(cuMemcpyDtoH(Pointer.to(result), x, 4));
            } finally {
                for (int i = release.size() - 1; i >= 0; --i) {
                    release.get(i).run();
                }
            }
        }
    }

    @Test
    void survivesTheLossOfTheDeviceAtEveryCall() {
        String ptx = device.compile(ADD);
        long calls = -SoftGpu.callCount();
        Program whole = new Program(ptx);
        whole.run();
        calls += SoftGpu.callCount();
        assertEquals(8, whole.result[0]);
        assertTrue(calls > 25, calls + " calls");
        for (long n = 1; n <= calls + 1; ++n) {
            CUcontext own = new CUcontext();
            check(cuCtxCreate(own, 0, new CUdevice()));
            SoftGpu.inject("lost:" + n);
            Program program = new Program(ptx);
            try {
                program.run();
            } catch (SoftDevice.CudaError lost) {
                assertResult(CUDA_ERROR_UNKNOWN, lost.result);
            }
            SoftGpu.inject(null);
            SoftGpu.configure("checks=all+-leaks");         // what it could not free is freed with the context
            check(cuCtxDestroy(own));
            assertEquals("", SoftGpu.liveAllocations(), "lost at call " + n);
            SoftGpu.configure("checks=all");
        }
        Program again = new Program(ptx);
        again.run();
        assertEquals(8, again.result[0]);
    }

    @Test
    void leavesNoLeakWhereOneCallFails() {
        String ptx = device.compile(ADD);
        for (String kind : new String[] {"alloc", "copy", "launch", "synchronize", "load"}) {
            for (int n = 1; n <= 4; ++n) {
                CUcontext own = new CUcontext();
                check(cuCtxCreate(own, 0, new CUdevice()));
                SoftGpu.inject(kind + ":" + n + "=CUDA_ERROR_NOT_READY");
                Program program = new Program(ptx);
                try {
                    program.run();
                } catch (SoftDevice.CudaError refused) {
                    assertResult(CUDA_ERROR_NOT_READY, refused.result);
                }
                assertEquals("", SoftGpu.liveAllocations(), kind + " " + n);
                SoftGpu.inject(null);
                check(cuCtxDestroy(own));
                // A program that frees everything, whatever fails: there is nothing to report.
                assertEquals("", SoftGpu.report(), kind + " " + n);
            }
        }
    }
}
