package io.framecast.backend.cuda.driver;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_MODE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_ECC_ENABLED;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_INTEGRATED;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDeviceGetAttribute;
import static jcuda.driver.JCudaDriver.cuDeviceGetCount;
import static jcuda.driver.JCudaDriver.cuDeviceGetName;
import static jcuda.driver.JCudaDriver.cuDeviceTotalMem;
import static jcuda.driver.JCudaDriver.cuDriverGetVersion;
import static jcuda.driver.JCudaDriver.cuInit;

import io.framecast.FramecastException;
import io.framecast.backend.cuda.library.JCudaLibrary;
import io.framecast.backend.cuda.library.SystemLibrary;
import io.framecast.softgpu.SoftGpu;
import io.framecast.system.Processor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import jcuda.driver.CUcomputemode;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;

/**
 * The CUDA driver of this process: NVIDIA's, or the software device. Both are libcuda.so.1, so a process can only ever
 * use the one that it opens first.
 */
public final class CudaDriver {

    /** CUDA 12.0: the oldest driver that loads the machine code of NVRTC 12. */
    private static final int OLDEST = 12000;

    /**
     * A device.
     *
     * @param computeCapability ten times the major version, plus the minor
     * @param memory in bytes
     * @param sharedBytesOfBlock the most shared memory that a kernel can ask for
     * @param sharedBytesOfMultiprocessor the shared memory of all resident blocks
     * @param remarks what else a user may want to know, such as "ECC on"
     */
    public record Device(String name, int computeCapability, int multiprocessors, long memory, int sharedBytesOfBlock,
            int sharedBytesOfMultiprocessor, List<String> remarks) {

        /** The text with the remarks. */
        public String details() {
            return this + remarks.stream().map(remark -> ", " + remark).collect(Collectors.joining());
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s, compute capability %d.%d, %d multiprocessors, %.0f GiB", name,
                    computeCapability / 10, computeCapability % 10, multiprocessors, memory / (double) (1 << 30));
        }
    }

    /** That of this process; null: none is opened yet. */
    private static CudaDriver opened;

    private final int version;
    private final List<Device> devices;

    private CudaDriver(int version, List<Device> devices) {
        this.version = version;
        this.devices = devices;
    }

    /**
     * Opens NVIDIA's driver.
     *
     * @throws FramecastException if there is none, it is too old, it has no device or does not describe it, or this
     *         process has opened the software device
     */
    public static synchronized CudaDriver open() {
        Processor.requireSupported();
        if (SoftGpu.isLoaded()) {
            throw new FramecastException("This process holds the software CUDA device, beside which NVIDIA's driver "
                    + "has no place; start another one for that.");
        }
        try {
            SystemLibrary.load("libcuda.so.1", System.getenv());
        } catch (NoSuchFileException e) {
            throw new FramecastException("This machine has no NVIDIA driver (no libcuda.so.1); install it if there is "
                    + "an NVIDIA GPU, or start the container with --gpus all.", e);
        } catch (IOException e) {
            throw new FramecastException("NVIDIA's driver cannot be loaded: " + e.getMessage() + ".", e);
        }
        return initialize("NVIDIA's driver");
    }

    /**
     * Opens the software device.
     *
     * @throws FramecastException if this machine cannot run it, or this process has opened NVIDIA's driver
     */
    public static synchronized CudaDriver openSoftware() {
        Processor.requireSupported();
        SoftGpu.load();
        return initialize("The software CUDA device");
    }

    private static CudaDriver initialize(String who) {
        JCudaLibrary.DRIVER.load();
        int[] version = new int[1];
        int result = cuDriverGetVersion(version);
        if (result == CUresult.CUDA_SUCCESS && version[0] < OLDEST) {
            throw new FramecastException(who + " is for CUDA " + text(version[0]) + "; install one for CUDA "
                    + text(OLDEST) + " or later.");
        }
        if (result == CUresult.CUDA_SUCCESS) {
            result = cuInit(0);
        }
        int[] count = new int[1];
        if (result == CUresult.CUDA_SUCCESS) {
            result = cuDeviceGetCount(count);
        }
        if (result == CUresult.CUDA_ERROR_NO_DEVICE || result == CUresult.CUDA_ERROR_INVALID_DEVICE
                || result == CUresult.CUDA_SUCCESS && count[0] == 0) {
            throw new FramecastException(who + " finds no device; " + CudaAdvice.noDevice(System.getenv()) + ".");
        }
        if (result != CUresult.CUDA_SUCCESS) {
            throw failure(who + " does not start", result);
        }
        opened = new CudaDriver(version[0], describe(count[0]));
        return opened;
    }

    /** The driver that this process has opened, if it has. */
    public static synchronized Optional<CudaDriver> opened() {
        return Optional.ofNullable(opened);
    }

    private static String text(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    /** The newest CUDA version that this driver supports, such as "12.6". */
    public String version() {
        return text(version);
    }

    /** The first number of {@link #version}. */
    public int majorVersion() {
        return version / 1000;
    }

    /** The devices, at least one, in the driver's order. */
    public List<Device> devices() {
        return devices;
    }

    private static List<Device> describe(int count) {
        List<Device> devices = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            CUdevice device = new CUdevice();
            require(cuDeviceGet(device, k));
            byte[] name = new byte[256];
            require(cuDeviceGetName(name, name.length, device));
            long[] memory = new long[1];
            require(cuDeviceTotalMem(memory, device));
            int capability = 10 * attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                    + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
            devices.add(new Device(text(name), capability,
                    attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), memory[0],
                    attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
                    attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR), remarks(device)));
        }
        return List.copyOf(devices);
    }

    private static List<String> remarks(CUdevice device) {
        List<String> remarks = new ArrayList<>();
        if (attribute(device, CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0) {
            remarks.add("its memory is the CPU's");
        }
        if (attribute(device, CU_DEVICE_ATTRIBUTE_ECC_ENABLED) != 0) {
            remarks.add("ECC on");
        }
        if (attribute(device, CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT) != 0) {
            remarks.add("drives a display, so that kernels that take seconds are stopped");
        }
        switch (attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE)) {
            case CUcomputemode.CU_COMPUTEMODE_DEFAULT -> { }
            case CUcomputemode.CU_COMPUTEMODE_PROHIBITED ->
                remarks.add("closed to programs by its compute mode, which nvidia-smi -c DEFAULT sets");
            default -> remarks.add("for one process at a time by its compute mode, which nvidia-smi -c DEFAULT sets");
        }
        return List.copyOf(remarks);
    }

    private static String text(byte[] zeroTerminated) {
        String text = new String(zeroTerminated, StandardCharsets.UTF_8);
        return text.substring(0, text.indexOf('\0'));
    }

    private static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        require(cuDeviceGetAttribute(value, attribute, device));
        return value[0];
    }

    private static void require(int result) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw failure("The CUDA driver does not describe its devices", result);
        }
    }

    private static FramecastException failure(String what, int result) {
        String advice = CudaAdvice.of(result).text();
        return new FramecastException(what + ": " + CudaCalls.name(result) + "; "
                + (advice.isEmpty() ? "check the GPU with nvidia-smi" : advice) + ".");
    }
}
