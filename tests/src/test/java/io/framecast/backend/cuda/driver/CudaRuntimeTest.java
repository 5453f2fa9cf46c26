package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaKernel.Dim;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxReset;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.softgpu.SoftGpu;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;

/** Devices, memory, modules and kernels on the software device: normal use, and the failure of any call. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "faults are injected")
class CudaRuntimeTest {

    private static final String FILE = "runtime_test.cu";
    private static final Dim ONE = Dim.of(1);

    @BeforeEach
    void beAsNew() {
        SoftGpu.configure("checks=all,counters=on,compute=80,memory=16g");
        SoftGpu.clearReport();
    }

    @AfterEach
    void nothingIsLeft() {
        SoftGpu.inject(null);
        String report = SoftGpu.report();
        SoftGpu.clearReport();
        SoftGpu.configure("checks=all,compute=80,memory=16g");     // fails while a context exists
        assertEquals("", report);
        assertEquals("", SoftGpu.liveAllocations());
    }

    private static DeviceMemory memory(CudaDevice device, float... values) {
        DeviceMemory memory = device.allocate(4L * values.length);
        memory.write(0, values, 0, values.length);
        return memory;
    }

    private static float[] read(DeviceMemory memory) {
        float[] values = new float[(int) (memory.bytes() / 4)];
        memory.read(0, values, 0, values.length);
        return values;
    }

    private static CudaModule module(CudaDevice device, String file, List<String> options) {
        return device.load(file, TestCompiler.images().image(file, device.computeCapability(), true, options));
    }

    // ---- When all is well ----------------------------------------------------------------------------------------

    @Test
    void copiesPartsToPartsAndBack() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory memory = memory(device, 1, 2, 3, 4, 5);
            memory.write(1, new float[] {7, 8, 9}, 1, 2);
            float[] target = {-1, -1, -1, -1, -1};
            memory.read(2, target, 1, 3);
            assertArrayEquals(new float[] {-1, 9, 4, 5, -1}, target);
            memory.write(5, target, 5, 0);
            assertArrayEquals(new float[] {1, 8, 9, 4, 5}, read(memory));
        }
    }

    @Test
    void refusesCopiesBeyondAnEnd() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory memory = memory(device, 1, 2, 3);
            float[] four = new float[4];
            assertThrows(IndexOutOfBoundsException.class, () -> memory.write(0, four, 0, 4));
            assertThrows(IndexOutOfBoundsException.class, () -> memory.write(1, four, 2, 3));
            assertThrows(IndexOutOfBoundsException.class, () -> memory.read(2, four, 0, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> memory.read(-1, four, 0, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> memory.view(8, 8));
            assertThrows(IllegalArgumentException.class, () -> device.allocate(0));
        }
    }

    @Test
    void passesArgumentsOfEveryKind() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory y = device.allocate(32);
            module(device, FILE, List.of()).kernel("tell").launch(ONE, ONE, 0, y, null, -3, 5L << 32, 0.75f, 11, 12,
                    13);
            assertArrayEquals(new float[] {-3, 5, 0.75f, 11, 12, 13, 1, 0}, read(y));
        }
    }

    @Test
    void keepsTheOrderOfLaunchesAndCopies() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory x = memory(device, 1, 2, 3);
            CudaKernel scale = module(device, FILE, List.of("-DFACTOR=5")).kernel("scale");
            scale.launch(ONE, Dim.of(3), 0, x);
            assertArrayEquals(new float[] {10, 20, 30}, read(x));
            scale.launch(ONE, Dim.of(2), 0, x.view(4, 8));
            x.write(1, new float[] {7}, 0, 1);
            scale.launch(ONE, Dim.of(1), 0, x.view(4, 8).view(4, 4));
            assertArrayEquals(new float[] {10, 7, 3000}, read(x));
        }
    }

    @Test
    void givesABlockMoreSharedMemoryThanIsPlain() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory x = memory(device, 1);
            CudaModule module = module(device, FILE, List.of());
            for (int bytes : new int[] {4, 48 << 10, (48 << 10) + 4, 160 << 10}) {
                module.kernel("pass").launch(ONE, ONE, bytes, x, bytes / 4);
            }
            for (int bytes : new int[] {32 << 10, (32 << 10) + 4, 100 << 10}) {
                module.kernel("passTwice").launch(ONE, ONE, bytes, x, bytes / 4);
            }
            assertArrayEquals(new float[] {11}, read(x));
        }
    }

    @Test
    void compilesForTheDeviceThatIsThere() {
        for (int compute : new int[] {75, 90}) {
            SoftGpu.configure("compute=" + compute);
            try (CudaDevice device = CudaDevice.open(true)) {
                assertEquals(compute, device.computeCapability());
                assertTrue(device.description().contains("compute capability " + compute / 10 + "." + compute % 10),
                        device.description());
                DeviceMemory x = memory(device, 1);
                module(device, FILE, List.of()).kernel("scale").launch(ONE, ONE, 0, x);
                assertArrayEquals(new float[] {2}, read(x));
            }
        }
    }

    /**
     * Machine code is only for NVIDIA's driver. The software device refuses it as machine code, which shows that it
     * arrived intact.
     */
    @Test
    void handsMachineCodeToTheDriver() {
        byte[] image = TestCompiler.machineCode(FILE, "sm_80");
        try (CudaDevice device = CudaDevice.open(true)) {
            device.enter();
            CudaException e = assertThrows(CudaException.class, () -> CudaModule.load(device, FILE, image));
            assertTrue(e.getMessage().startsWith("cuModuleLoadData of runtime_test.cu failed with "
                    + "CUDA_ERROR_NO_BINARY_FOR_GPU"), e.getMessage());
        }
    }

    @Test
    void worksFromAnyThreadAndBesideAnotherDevice() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory x = memory(device, 3);
            try (CudaDevice other = CudaDevice.open(true)) {
                memory(other, 4);
            }
            CudaKernel scale = module(device, FILE, List.of()).kernel("scale");
            CompletableFuture.runAsync(() -> scale.launch(ONE, ONE, 0, x)).join();
            assertArrayEquals(new float[] {6}, CompletableFuture.supplyAsync(() -> read(x)).join());
            CompletableFuture.runAsync(x::close).join();
        }
    }

    // ---- The end of things ---------------------------------------------------------------------------------------

    @Test
    void freesEachAllocationOnce() {
        try (CudaDevice device = CudaDevice.open(true)) {
            DeviceMemory x = memory(device, 1, 2);
            DeviceMemory view = x.view(4, 4);
            view.close();
            assertThrows(IllegalStateException.class, () -> read(view));
            assertArrayEquals(new float[] {1, 2}, read(x));
            DeviceMemory later = x.view(0, 4);
            long live = SoftGpu.liveAllocations().lines().count();
            x.close();
            x.close();
            assertEquals(live - 1, SoftGpu.liveAllocations().lines().count());
            assertThrows(IllegalStateException.class, () -> read(x));
            assertThrows(IllegalStateException.class, () -> read(later));
            assertThrows(IllegalStateException.class, () -> x.view(0, 4));
            CudaModule module = module(device, FILE, List.of());
            CudaKernel scale = module.kernel("scale");
            assertThrows(IllegalStateException.class, () -> scale.launch(ONE, ONE, 0, x));
            module.close();
            module.close();
            assertThrows(IllegalStateException.class, () -> module.kernel("scale"));
            assertThrows(IllegalStateException.class, () -> scale.launch(ONE, ONE, 0, (Object) null));
        }
    }

    @Test
    void takesAlongWhatWasMadeOnTheDevice() {
        CudaDevice device = CudaDevice.open(true);
        DeviceMemory x = memory(device, 1);
        CudaModule module = module(device, FILE, List.of());
        module.kernel("scale").launch(ONE, ONE, 0, x);
        device.close();
        assertEquals("", SoftGpu.liveAllocations());
        device.close();
        x.close();
        module.close();
        assertThrows(IllegalStateException.class, () -> device.allocate(4));
        assertThrows(IllegalStateException.class, () -> read(x));
        assertThrows(IllegalStateException.class, device::synchronize);
    }

    // ---- When something fails ------------------------------------------------------------------------------------

    @Test
    void saysHowMuchMemoryWasWantedAndIsFree() {
        SoftGpu.configure("memory=64m");
        try (CudaDevice device = CudaDevice.open(true); DeviceMemory some = device.allocate(16 << 20)) {
            CudaException e = assertThrows(CudaException.class, () -> device.allocate((48 << 20) + (1 << 19)));
            assertEquals(CUresult.CUDA_ERROR_OUT_OF_MEMORY, e.result());
            assertEquals("cuMemAlloc of 48.5 MiB failed with CUDA_ERROR_OUT_OF_MEMORY (2), out of memory; 48.0 MiB of "
                    + "64.0 MiB are free; use a smaller batch or model, or end other programs on the GPU.",
                    e.getMessage());
            assertEquals(16 << 20, some.bytes());
        }
    }

    @Test
    void refusesWhatTheKernelDoesNotTake() {
        try (CudaDevice device = CudaDevice.open(true)) {
            CudaModule module = module(device, FILE, List.of());
            CudaKernel scale = module.kernel("scale");
            CudaException e = assertThrows(CudaException.class, () -> scale.launch(ONE, Dim.of(2, 3), 0, 1));
            assertEquals("cuLaunchKernel of scale on grid (1, 1, 1), block (2, 3, 1) failed with "
                    + "CUDA_ERROR_INVALID_VALUE (1), invalid argument.", e.getMessage());
            assertTrue(SoftGpu.report().contains("argument 0 has 4 bytes, the parameter 8"), SoftGpu.report());
            SoftGpu.clearReport();
            assertThrows(IllegalArgumentException.class, () -> scale.launch(ONE, ONE, 0, "text"));
            assertTrue(assertThrows(CudaException.class, () -> module.kernel("absent")).getMessage()
                    .startsWith("cuModuleGetFunction of absent in runtime_test.cu failed with CUDA_ERROR_NOT_FOUND"));
            assertThrows(IllegalArgumentException.class, () -> module(device, "absent.cu", List.of()));
        }
    }

    @Test
    void aFaultOfAKernelShowsWhereItIsWaitedFor() {
        CudaDevice device = CudaDevice.open(true);
        DeviceMemory x = memory(device, 1);
        module(device, FILE, List.of()).kernel("scale").launch(ONE, Dim.of(2), 0, x);
        CudaException e = assertThrows(CudaException.class, device::synchronize);
        assertEquals("cuStreamSynchronize failed with CUDA_ERROR_ILLEGAL_ADDRESS (700), a kernel accessed an illegal "
                + "address; a kernel is at fault, and the software device says where: run the same on "
                + "it.", e.getMessage());
        assertEquals(List.of(Remedy.SOFTWARE_DEVICE), e.remedies());
        assertTrue(SoftGpu.report().contains(FILE), SoftGpu.report());
        assertEquals(e.result(), assertThrows(CudaException.class, () -> CudaDevice.open(true),
                "the context is shared").result());
        assertEquals(e.result(), assertThrows(CudaException.class, device::close).result());
        SoftGpu.clearReport();
        assertEquals("", SoftGpu.liveAllocations());
        runAll();
    }

    /** Uses everything once; all resources are freed, whatever fails. */
    private static void runAll() {
        try (CudaDevice device = CudaDevice.open(true);
                DeviceMemory x = memory(device, 1);
                CudaModule module = module(device, FILE, List.of())) {
            CudaKernel pass = module.kernel("pass");
            memory(device, 2);
            pass.launch(ONE, ONE, 64 << 10, x, 100);
            pass.launch(ONE, ONE, 4, x, 1);
            device.synchronize();
            assertArrayEquals(new float[] {3}, read(x));
        }
    }

    @Test
    void leavesNothingWhereOneCallFails() {
        runAll();
        for (String kind : List.of("alloc", "copy", "launch", "synchronize", "load")) {
            int failures = 0;
            for (boolean failed = true; failed; failures += failed ? 1 : 0) {
                SoftGpu.inject(kind + ":" + (failures + 1) + "=CUDA_ERROR_NOT_PERMITTED");
                failed = fails(kind, CUresult.CUDA_ERROR_NOT_PERMITTED);
                SoftGpu.inject(null);
                assertEquals("", SoftGpu.liveAllocations(), kind);
                assertEquals("", SoftGpu.report(), kind);
            }
            int wanted = switch (kind) {
                case "alloc" -> 2 + 4;      // pinned memory and its place on the device, in two slots
                case "copy" -> 2 * 2 + 1;   // each write has two copies
                case "launch" -> 2;
                case "load" -> 1;
                default -> 4 + 2;           // for the slot of each copy, and for what is read; outright; to close
            };
            assertEquals(wanted, failures, kind);
        }
    }

    @Test
    void survivesTheLossOfTheDeviceAtEveryCall() {
        long calls = -SoftGpu.callCount();
        runAll();
        calls += SoftGpu.callCount();
        assertTrue(calls > 50, calls + " calls");
        SoftGpu.configure("checks=all+-leaks");         // what a lost device cannot free is freed with the context
        for (long n = 1; n <= calls; n++) {
            SoftGpu.inject("lost:" + n);
            assertTrue(fails("lost:" + n, CUresult.CUDA_ERROR_UNKNOWN), "lost at call " + n);
            SoftGpu.inject(null);
            CUdevice device = new CUdevice();
            cuDevicePrimaryCtxReset(device);
            cuDevicePrimaryCtxRelease(device);
            assertEquals("", SoftGpu.liveAllocations(), "lost at call " + n);
        }
        runAll();
    }

    /** Whether {@code everything} fails; if so, the message must be a sentence. */
    private static boolean fails(String what, int result) {
        try {
            runAll();
            return false;
        } catch (FramecastException e) {
            String message = e.getMessage();
            assertTrue(message.contains(CUresult.stringFor(result)) && message.endsWith(".")
                    && message.lines().count() == 1, what + ": " + message);
            assertTrue(!(e instanceof CudaException) || message.matches("cu[A-Z]\\w+ .*failed with CUDA_ERROR_.*"),
                    what + ": " + message);
            assertFalse(message.contains("null"), message);
            return true;
        }
    }
}
