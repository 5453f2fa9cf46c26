package io.framecast.device;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.backend.cuda.vendor.VendorLibrary;
import io.framecast.softgpu.SoftGpu;
import io.framecast.text.Count;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Whether a device, NVRTC (the compiler of CUDA kernels), or a vendor's convolution library can be used on this
 * machine.
 *
 * @param name for example "cuda" or "cudnn"
 * @param description a text for users; null if it cannot be used
 * @param whyNot why it cannot be used, with a message that says what to do; empty if it can be used
 */
public record Availability(String name, String description, Optional<FramecastException> whyNot) {

    private static final String ON_TENSOR_CORES = ", and bf16 and tf32 on tensor cores";

    /** {@return the present state of all devices, of NVRTC, and of the vendors' convolution libraries} */
    public static List<Availability> all() {
        // The libraries come before the software device: loading it would replace them with its stand-ins.
        return List.of(of("cpu", Availability::cpu), of("cuda", Availability::cuda),
                of("nvrtc", KernelImages::describeCompiler), of("cudnn", VendorLibrary.CUDNN::describe),
                of("cublas", VendorLibrary.CUBLAS::describe), of("softgpu", Availability::softgpu));
    }

    /** {@return whether it can be used} */
    public boolean isUsable() {
        return whyNot.isEmpty();
    }

    private static Availability of(String name, Supplier<String> description) {
        try {
            return new Availability(name, description.get(), Optional.empty());
        } catch (FramecastException e) {
            return new Availability(name, null, Optional.of(e));
        } catch (LinkageError e) { // One that cannot be loaded must not hide the others.
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
        return names(driver) + ", driver for CUDA " + driver.version() + "; fp32" + onTensorCores(driver);
    }

    private static String softgpu() {
        // A process can load one driver only: if NVIDIA's is loaded, the software device is not tried.
        boolean apart = !SoftGpu.isLoaded() && SoftGpu.loadedDriver().isPresent();
        String settings = System.getenv("FRAMECAST_SOFTGPU");
        CudaDriver driver = apart ? null : CudaDriver.openSoftware();
        return (apart ? "software CUDA device" : names(driver)) + "; CUDA on the CPU, to test with; fp32"
                + (apart ? ON_TENSOR_CORES : onTensorCores(driver)) + "; "
                + (apart ? "" : Count.of(SoftGpu.threads(), "thread") + ", ")
                + (settings == null ? "all checks on" : "FRAMECAST_SOFTGPU=" + settings);
    }

    /** The precisions of tensor cores, if the device that would be used, the first, has them. */
    private static String onTensorCores(CudaDriver driver) {
        return CudaBackend.hasTensorCores(driver.devices().get(0).computeCapability()) ? ON_TENSOR_CORES : "";
    }

    private static String names(CudaDriver driver) {
        return driver.devices().stream().map(CudaDriver.Device::details).collect(Collectors.joining("; "));
    }
}
