package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Which device computes, and how. */
final class DeviceOptions {

    enum Device {
        AUTO, CUDA, CPU, SOFTGPU
    }

    enum Convolutions {
        KERNELS, VENDOR
    }

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "auto, cuda, cpu or softgpu; auto takes a CUDA device that works, else the CPU. "
                    + "Default: ${DEFAULT-VALUE}.")
    Device device;

    @Option(names = "--precision", paramLabel = "PRECISION", defaultValue = "fp32",
            description = "What convolutions multiply: fp32, bf16, or tf32 (CUDA only). Default: ${DEFAULT-VALUE}.")
    Precision precision;

    @Option(names = "--conv", paramLabel = "HOW", defaultValue = "kernels",
            description = "Convolutions on CUDA devices: this project's kernels, or vendor (cuDNN and cuBLAS). "
                    + "Default: ${DEFAULT-VALUE}.")
    Convolutions convolutions;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "Threads the CPU computes with; 0 takes all processors. Default: ${DEFAULT-VALUE}.")
    int threads;

    /**
     * Opens the device, and says which it is.
     *
     * @throws FramecastException if it cannot be used here
     */
    Backend open() {
        Options.require(threads >= 0 && threads <= 1024, "--threads must be from 0 to 1024, not " + threads + ".");
        if (device == Device.CUDA || device == Device.SOFTGPU) {
            throw new FramecastException(Devices.whyNot(device) + " Use --device cpu.");
        }
        if (convolutions == Convolutions.VENDOR) {
            throw new FramecastException("--conv vendor is for CUDA devices; on the CPU leave it out.");
        }
        Backend backend = new CpuBackend(precision, threads);
        System.out.println("device: " + backend.description() + ", " + precision.name().toLowerCase(Locale.ROOT)
                + (device == Device.AUTO ? "  (no CUDA: " + Devices.whyNot(Device.CUDA) + ")" : ""));
        return backend;
    }
}
