package io.framecast.backend.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.softgpu.SoftGpu;
import java.util.List;
import java.util.Map;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a GPU machine can do to a program, each as one sentence that says what to do; afterwards all works again. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "faults are injected")
class CudaAdviceTest {

    private static final String FILE = "runtime_test.cu";

    @BeforeEach
    void beAsNew() {
        SoftGpu.configure("checks=all,compute=80,memory=16g,driver=13010");
        SoftGpu.clearReport();
    }

    @AfterEach
    void allWorksAgain() {
        SoftGpu.inject(null);
        try (CudaDevice device = CudaDevice.open(true); CudaModule module = load(device)) {
            assertNotEquals(0, device.allocate(4).bytes());
            device.synchronize();
        }
        assertEquals("", SoftGpu.report());
        assertEquals("", SoftGpu.liveAllocations());
    }

    private static CudaModule load(CudaDevice device) {
        return device.load(FILE, TestCompiler.images().image(FILE, device.computeCapability(), true, List.of()));
    }

    private static void assertSays(FramecastException e, int result, String advice) {
        String message = e.getMessage();
        assertTrue(message.contains(CUresult.stringFor(result)), message);
        assertTrue(message.contains("; ") && message.contains(advice), message);
        assertTrue(message.endsWith(".") && !message.contains(". ") && message.lines().count() == 1,
                "one sentence: " + message);
    }

    @ParameterizedTest
    @CsvSource({
        "34, take it off LD_LIBRARY_PATH",
        "102, licence server",
        "304, /dev/nvidia",
        "802, start nvidia-fabricmanager",
        "803, restart the machine",
        "804, update the driver instead",
        "805, restart nvidia-cuda-mps-control",
        "806, restart nvidia-cuda-mps-control",
        "807, restart nvidia-cuda-mps-control",
        "808, wait until another ends",
        "999, nvidia-smi"})
    void aDriverThatDoesNotStart(int result, String advice) {
        SoftGpu.inject("cuInit:1=" + result);
        assertSays(assertThrows(FramecastException.class, () -> CudaDevice.open(true)), result, advice);
    }

    @ParameterizedTest
    @CsvSource({"46, nvidia-smi -c DEFAULT", "2, end other programs", "101, ''", "809, wait until another ends"})
    void aDeviceThatCannotBeOpened(int result, String advice) {
        SoftGpu.inject("cuDevicePrimaryCtxRetain:1=" + result);
        CudaException e = assertThrows(CudaException.class, () -> CudaDevice.open(true));
        assertTrue(e.getMessage().startsWith("cuDevicePrimaryCtxRetain failed with ")
                && e.getMessage().contains(advice), e.getMessage());
    }

    @Test
    void theNextDeviceIsTakenInPlaceOfOneThatCannotBeOpened() {
        SoftGpu.inject("devices=3,cuDevicePrimaryCtxRetain:1=46,cuStreamCreate:1=2");
        try (CudaDevice device = CudaDevice.open(true)) {
            String description = device.description();
            assertTrue(description.matches(".*, 16 GiB \\(passed over: "
                    + "GPU 0, Framecast software device: cuDevicePrimaryCtxRetain failed with "
                    + "CUDA_ERROR_DEVICE_UNAVAILABLE .*[^.], "
                    + "GPU 1, Framecast software device: cuStreamCreate failed with "
                    + "CUDA_ERROR_OUT_OF_MEMORY .*[^.]\\)"),
                    description);
            device.allocate(4).clear();
            device.synchronize();
        }
        SoftGpu.inject("devices=2,cuDevicePrimaryCtxRetain:1=46,cuDevicePrimaryCtxRetain:2=2");
        CudaException first = assertThrows(CudaException.class, () -> CudaDevice.open(true));
        assertEquals(CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE, first.result());
        assertEquals(CUresult.CUDA_ERROR_OUT_OF_MEMORY, ((CudaException) first.getSuppressed()[0]).result());
    }

    @ParameterizedTest
    @CsvSource({
        "200, update the driver",
        "209, update the driver",
        "218, update the driver",
        "221, libnvidia-ptxjitcompiler.so.1",
        "222, an older NVRTC 12",
        "223, unset CUDA_DISABLE_PTX_JIT",
        "300, update the driver",
        "303, install it again"})
    void aDriverThatRefusesKernels(int result, String advice) {
        SoftGpu.inject("cuModuleLoadData:1=" + result);
        try (CudaDevice device = CudaDevice.open(true)) {
            CudaException e = assertThrows(CudaException.class, () -> load(device));
            assertTrue(e.getMessage().startsWith("cuModuleLoadData of runtime_test.cu failed with "), e.getMessage());
            assertSays(e, result, advice);
        }
    }

    /** After these the context is lost: each later call fails with the same error, those that free things, too. */
    @ParameterizedTest
    @CsvSource({
        "214, nvidia-smi --gpu-reset, ",
        "220, nvidia-smi nvlink, ",
        "702, drives a display, SMALLER_BATCH",
        "714, run the same on it, SOFTWARE_DEVICE",
        "715, run the same on it, SOFTWARE_DEVICE",
        "719, run the same on it, SOFTWARE_DEVICE"})
    void anErrorThatTheContextDoesNotOutlive(int result, String advice, Remedy remedy) {
        SoftGpu.inject("cuStreamSynchronize:1=" + result);
        CudaException e = assertThrows(CudaException.class, () -> {
            try (CudaDevice device = CudaDevice.open(true); CudaModule module = load(device);
                    DeviceMemory memory = device.allocate(4)) {
                memory.clear();
                device.synchronize();
            }
        });
        assertTrue(e.getMessage().startsWith("cuStreamSynchronize failed with "), e.getMessage());
        assertSays(e, result, advice);
        assertEquals(remedy == null ? List.of() : List.of(remedy), e.remedies());
        assertTrue(e.getSuppressed().length > 0, "the other calls failed, too");
        SoftGpu.inject(null);
        SoftGpu.clearReport(); // of leaks: nothing could be freed but by the end of the context
    }

    @Test
    void namesAnErrorThatIsNewerThanJCuda() {
        SoftGpu.inject("cuModuleLoadData:1=226");
        CudaDevice device = CudaDevice.open(true);
        String message = assertThrows(CudaException.class, () -> load(device)).getMessage();
        assertTrue(message.contains(" failed with CUDA_ERROR_CONTAINED (226), ")
                && message.contains("; the GPU kept an error of its memory from spreading: "), message);
        assertThrows(CudaException.class, device::close, "the context is lost");
        SoftGpu.clearReport();
    }

    @Test
    void saysThatOtherProgramsHoldTheMemory() {
        SoftGpu.inject("memory=48m");
        try (CudaDevice device = CudaDevice.open(true); DeviceMemory own = device.allocate(16 << 20)) {
            assertEquals(new MemoryState(32 << 20, 16L << 30, own.bytes()), device.memoryState());
            String message = assertThrows(CudaException.class, () -> device.allocate(64 << 20)).getMessage();
            assertTrue(message.contains("; 32.0 MiB of 16.0 GiB are free (other programs hold up to 16.0 GiB); use a"),
                    message);
        }
        assertEquals("3072.0 MiB of 16.0 GiB are free", new MemoryState(3L << 30, 16L << 30, 12L << 30).toString());
    }

    @Test
    void aDriverWithoutDevices() {
        for (String fault : List.of("devices=0", "cuInit:1=100", "cuInit:1=101")) {
            SoftGpu.inject(fault);
            assertEquals("The software CUDA device finds no device; " + CudaAdvice.noDevice(System.getenv()) + ".",
                    assertThrows(FramecastException.class, () -> CudaDevice.open(true)).getMessage());
        }
        assertTrue(CudaAdvice.noDevice(Map.of()).contains("--gpus all"));
        assertEquals("CUDA_VISIBLE_DEVICES is empty, which hides all GPUs: unset it",
                CudaAdvice.noDevice(Map.of("CUDA_VISIBLE_DEVICES", "")));
        String seven = CudaAdvice.noDevice(Map.of("CUDA_VISIBLE_DEVICES", "7"));
        assertTrue(seven.startsWith("CUDA_VISIBLE_DEVICES is 7: unset it, or set it to "), seven);
    }

    @ParameterizedTest
    @CsvSource({
        "20:3, for one process at a time",
        "20:2, closed to programs",
        "17:1, 'drives a display, so that kernels that take seconds are stopped'",
        "18:1, its memory is the CPU's",
        "32:1, ECC on"})
    void tellsWhatIsSpecialAboutADevice(String attribute, String remark) {
        assertEquals(List.of(), CudaDriver.openSoftware().devices().get(0).remarks());
        SoftGpu.inject("attribute:" + attribute.replace(':', '='));
        CudaDriver.Device device = CudaDriver.openSoftware().devices().get(0);
        assertTrue(device.details().startsWith(device + ", " + remark), device.details());
    }
}
