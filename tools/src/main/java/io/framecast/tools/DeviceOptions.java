package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.backend.cuda.CudaBackend.Convolutions;
import io.framecast.softgpu.SoftGpu;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Which device computes, and how. */
final class DeviceOptions {

    enum Device {
        AUTO, CUDA, CPU, SOFTGPU
    }

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "auto, cuda, cpu or softgpu (CUDA in software); auto takes a CUDA device that works, "
                    + "else the CPU. "
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
            description = "Threads that the CPU, or the software device, computes with; 0 is one for each processor "
                    + "that this process may use. "
                    + "Default: ${DEFAULT-VALUE}.")
    int threads;

    /**
     * Opens the device, and says which it is.
     *
     * @throws FramecastException if it cannot be used here
     */
    Backend open() {
        Options.require(threads >= 0 && threads <= 1024, "--threads must be from 0 to 1024, not " + threads + ".");
        String why = "";
        Backend backend;
        switch (device) {
            case CUDA -> backend = cuda(false);
            case SOFTGPU -> {
                if (threads > 0) {
                    SoftGpu.configure("threads=" + threads);
                }
                backend = cuda(true);
            }
            case CPU -> backend = cpu(threads);
            default -> {
                try {
                    backend = cuda(false);
                } catch (FramecastException e) {
                    if (convolutions == Convolutions.VENDOR) {
                        throw e;
                    }
                    why = "  (no CUDA: " + Remedies.sentence(e) + ")";
                    backend = cpu(threads);
                }
            }
        }
        Terminal.say("device: " + backend.description() + ", " + precision.name().toLowerCase(Locale.ROOT) + why);
        return backend;
    }

    private Backend cuda(boolean software) {
        return new CudaBackend(software, precision, convolutions, CudaBackend.graphs(System.getenv()),
                new FetchProgress());
    }

    /** The CPU with so many threads, whatever the options say of these. */
    Backend cpu(int threadCount) {
        if (convolutions == Convolutions.VENDOR) {
            throw new FramecastException("--conv vendor is for CUDA devices; on the CPU leave it out.");
        }
        return new CpuBackend(precision, threadCount);
    }
}
