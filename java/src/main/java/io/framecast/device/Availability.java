package io.framecast.device;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.vendor.VendorLibrary;
import io.framecast.softgpu.SoftGpu;
import io.framecast.text.Count;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Whether a device, the compiler of kernels, or a library of vendor convolutions can be used on this machine.
 *
 * @param name such as "cuda" or "cudnn"
 * @param description what it is, in words; null where it cannot be used
 * @param whyNot why it cannot be used, in a sentence that says what to do; nothing where it can
 */
public record Availability(String name, String description, Optional<FramecastException> whyNot) {

    /** Looks at all devices, the compiler of kernels, and the libraries of vendor convolutions. */
    public static List<Availability> all() {
        // The libraries before the software device, which has stand-ins for them.
        return List.of(of("cpu", Availability::cpu), of("cuda", Availability::cuda), of("nvrtc", KernelImages::describeCompiler),
                of("cudnn", VendorLibrary.CUDNN::describe), of("cublas", VendorLibrary.CUBLAS::describe),
                of("softgpu", Availability::softgpu));
    }

    /** Whether it can be used. */
    public boolean isUsable() {
        return whyNot.isEmpty();
    }

    private static Availability of(String name, Supplier<String> description) {
        try {
            return new Availability(name, description.get(), Optional.empty());
        } catch (FramecastException e) {
            return new Availability(name, null, Optional.of(e));
        } catch (LinkageError e) { // One that cannot be loaded does not hide the others.
            return new Availability(name, null, Optional.of(new FramecastException(e.toString(), e)));
        }
    }

    private static String cpu() {
        try (Backend cpu = new CpuBackend(Precision.FP32, 0)) {
            return cpu.description() + "; fp32, bf16 ("
                    + (CpuBackend.nativeBf16() ? "by the processor's own bfloat16 units"
                            : "rounded to bfloat16, multiplied in fp32: no faster than fp32") + ")";
        }
    }

    private static String cuda() {
        CudaDriver driver = CudaDriver.open();
        return names(driver) + ", driver for CUDA " + driver.version() + "; fp32";
    }

    private static String softgpu() {
        // A process holds one driver only; beside NVIDIA's, the software device is not asked.
        boolean apart = !SoftGpu.isLoaded() && SoftGpu.loadedDriver().isPresent();
        String settings = System.getenv("FRAMECAST_SOFTGPU");
        return (apart ? "software CUDA device" : names(CudaDriver.openSoftware()))
                + "; CUDA on the CPU, to test with; fp32, "
                + (apart ? "" : Count.of(SoftGpu.threads(), "thread") + ", ")
                + (settings == null ? "all checks on" : "FRAMECAST_SOFTGPU=" + settings);
    }

    private static String names(CudaDriver driver) {
        return driver.devices().stream().map(CudaDriver.Device::toString).collect(Collectors.joining("; "));
    }
}
