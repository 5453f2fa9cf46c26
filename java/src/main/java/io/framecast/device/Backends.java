package io.framecast.device;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend.Convolutions;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.files.FetchListener;
import io.framecast.softgpu.SoftGpu;
import java.util.Optional;

/**
 * Opens devices. A backend and what is made on it are for one thread at a time; whoever opens it closes it, after all
 * that was made on it.
 */
public final class Backends {

    /**
     * The device that was chosen.
     *
     * @param backend the device, open; its {@link Backend#description} says which it is
     * @param whyNotCuda where {@link Device#AUTO} took the CPU: what is wrong with CUDA
     */
    public record Choice(Backend backend, Optional<FramecastException> whyNotCuda) {
    }

    private Backends() {
    }

    /**
     * A CUDA device that works, else the CPU; in float32.
     *
     * @throws FramecastException if neither can be used
     */
    public static Backend auto() {
        return choose(DeviceSettings.DEFAULT).backend();
    }

    /**
     * Opens a device, by this project's kernels and with all processors.
     *
     * @throws FramecastException if there is no such device here, it does not work, or has no such precision; the message
     *     says what to do
     */
    public static Backend open(Device device, Precision precision) {
        return choose(DeviceSettings.DEFAULT.with(device).with(precision)).backend();
    }

    /**
     * Opens a device, and says why it is that one.
     *
     * @throws FramecastException if it cannot be used here, or not with these settings; the message says what to do
     */
    public static Choice choose(DeviceSettings settings) {
        return choose(settings, FetchListener.NONE);
    }

    /**
     * As {@link #choose(DeviceSettings)}, with news of the compiler of CUDA kernels.
     *
     * @param compiler is told when the compiler has to be fetched, at the first use of a CUDA device
     */
    public static Choice choose(DeviceSettings settings, FetchListener compiler) {
        return switch (settings.device()) {
            case CUDA -> new Choice(cuda(settings, false, compiler), Optional.empty());
            case CPU -> new Choice(cpu(settings), Optional.empty());
            case SOFTGPU -> {
                if (settings.threads() > 0) {
                    SoftGpu.configure("threads=" + settings.threads());
                }
                yield new Choice(cuda(settings, true, compiler), Optional.empty());
            }
            case AUTO -> auto(settings, compiler);
        };
    }

    private static Choice auto(DeviceSettings settings, FetchListener compiler) {
        try {
            return new Choice(cuda(settings, false, compiler), Optional.empty());
        } catch (FramecastException e) {
            if (settings.convolutions() == Convolutions.VENDOR) {
                throw e; // The CPU has none of these.
            }
            return new Choice(cpu(settings), Optional.of(e));
        }
    }

    private static Backend cuda(DeviceSettings settings, boolean software, FetchListener compiler) {
        return new CudaBackend(software, settings.precision(), settings.convolutions(),
                CudaBackend.graphs(System.getenv()), compiler);
    }

    private static Backend cpu(DeviceSettings settings) {
        if (settings.convolutions() == Convolutions.VENDOR) {
            throw new FramecastException("cuDNN and cuBLAS are for CUDA devices; on the CPU do without them.",
                    Remedy.KERNEL_CONVOLUTIONS);
        }
        return new CpuBackend(settings.precision(), settings.threads());
    }
}
