package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.vendor.VendorLibrary;
import io.framecast.softgpu.SoftGpu;
import io.framecast.text.Count;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What of the devices is here, and why the rest is not. */
final class Devices {

    private Devices() {
    }

    /** A line for each device, for the compiler of kernels, and for each library of --conv vendor. */
    static List<String> describe() {
        // The libraries before the software device, which has stand-ins for them.
        Map<String, Supplier<String>> parts = new LinkedHashMap<>();
        parts.put("cpu", Devices::cpu);
        parts.put("cuda", Devices::cuda);
        parts.put("nvrtc", () -> "yes  " + KernelImages.describeCompiler());
        parts.put("cudnn", () -> "yes  " + VendorLibrary.CUDNN.describe());
        parts.put("cublas", () -> "yes  " + VendorLibrary.CUBLAS.describe());
        parts.put("softgpu", Devices::softgpu);
        List<String> lines = new ArrayList<>();
        Map<String, String> first = new HashMap<>();
        parts.forEach((name, description) -> {
            String answer = orWhyNot(description);
            String same = first.putIfAbsent(answer, name);
            lines.add("%-9s".formatted(name) + (same == null ? answer : "no   for the same reason as " + same));
        });
        return lines;
    }

    private static String orWhyNot(Supplier<String> description) {
        try {
            return description.get();
        } catch (FramecastException e) {
            return "no   " + Remedies.sentence(e);
        } catch (LinkageError e) { // One that cannot be loaded does not hide the others.
            return "no   " + e;
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
        return "yes  " + names(driver) + ", driver for CUDA " + driver.version() + "; fp32";
    }

    private static String softgpu() {
        // A process holds one driver only; beside NVIDIA's, the software device is not asked.
        boolean apart = !SoftGpu.isLoaded() && SoftGpu.loadedDriver().isPresent();
        String settings = System.getenv("FRAMECAST_SOFTGPU");
        return "yes  " + (apart ? "software CUDA device" : names(CudaDriver.openSoftware()))
                + "; CUDA on the CPU, to test with; fp32, "
                + (apart ? "" : Count.of(SoftGpu.threads(), "thread") + ", ")
                + (settings == null ? "all checks on" : "FRAMECAST_SOFTGPU=" + settings);
    }

    private static String names(CudaDriver driver) {
        return driver.devices().stream().map(CudaDriver.Device::toString).collect(Collectors.joining("; "));
    }
}
