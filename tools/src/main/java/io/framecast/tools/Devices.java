package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaDriver;
import io.framecast.backend.cuda.Nvrtc;
import io.framecast.softgpu.SoftGpu;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What of the devices is here, and why the rest is not. */
final class Devices {

    private Devices() {
    }

    /** Why a device cannot compute networks, in one sentence. */
    static String whyNot(DeviceOptions.Device device) {
        return switch (device) {
            case CUDA -> Files.exists(Path.of("/dev/nvidiactl"))
                    ? "There is an NVIDIA device, but this version of Framecast has no CUDA backend yet."
                    : "This machine has no NVIDIA device, and this version of Framecast no CUDA backend yet.";
            case SOFTGPU -> "The software CUDA device runs kernels, but this version of Framecast has no CUDA backend "
                    + "yet.";
            default -> throw new IllegalArgumentException(device + " can be used");
        };
    }

    /** A line for each device, and one for the compiler of kernels. */
    static List<String> describe() {
        return List.of("cpu      " + orWhyNot(Devices::cpu), "cuda     " + orWhyNot(Devices::cuda),
                "softgpu  " + orWhyNot(Devices::softgpu), "nvrtc    " + orWhyNot(() -> "yes  " + Nvrtc.describe()));
    }

    private static String orWhyNot(Supplier<String> description) {
        try {
            return description.get();
        } catch (FramecastException e) {
            return "no   " + e.getMessage();
        }
    }

    private static String cpu() {
        try (Backend cpu = new CpuBackend(Precision.FP32, 0)) {
            return "yes  " + cpu.description() + "; fp32, bf16 ("
                    + (CpuBackend.nativeBf16() ? "by the processor's own bfloat16 units"
                            : "rounded to bfloat16, multiplied in fp32: no faster than fp32") + ")";
        }
    }

    private static String cuda() {
        CudaDriver driver = CudaDriver.open();
        return "no   " + names(driver) + ", driver for CUDA " + driver.version()
                + "; this version of Framecast has no CUDA backend yet.";
    }

    private static String softgpu() {
        // A process holds one driver only; beside NVIDIA's, the software device is not asked.
        boolean apart = !SoftGpu.isLoaded() && SoftGpu.loadedDriver().isPresent();
        String settings = System.getenv("FRAMECAST_SOFTGPU");
        return "yes  " + (apart ? "CUDA in software" : names(CudaDriver.openSoftware()))
                + "; runs kernels on the CPU for tests, "
                + (settings == null ? Runtime.getRuntime().availableProcessors() + " threads, all checks on"
                        : "FRAMECAST_SOFTGPU=" + settings) + "; no training on it yet";
    }

    private static String names(CudaDriver driver) {
        return driver.devices().stream().map(CudaDriver.Device::toString).collect(Collectors.joining("; "));
    }
}
