package io.framecast.device;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend;
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
     * Opens a CUDA device that works, else the CPU; in float32.
     *
     * @return the device, for the caller to close
     * @throws FramecastException if neither can be used
     */
    public static Backend auto() {
        return choose(DeviceSettings.DEFAULT, FetchListener.NONE).backend();
    }

    /**
     * Opens a device, by this project's kernels and with all processors.
     *
     * @param device the kind of device
     * @param precision what convolutions multiply
     * @return the device, for the caller to close
     * @throws FramecastException if there is no such device here, it does not work, or has no such precision; the
     *     message says what to do
     */
    public static Backend open(Device device, Precision precision) {
        return choose(DeviceSettings.DEFAULT.with(device).with(precision), FetchListener.NONE).backend();
    }

    /**
     * Opens a device, and says why it is that one.
     *
     * @param settings which device, and how it computes
     * @param fetching is told where the compiler of CUDA kernels is fetched
     * @return the device, for the caller to close, and why it is not another
     * @throws FramecastException if it cannot be used here, or not with these settings; the message says what to do
     */
    public static Choice choose(DeviceSettings settings, FetchListener fetching) {
        return switch (settings.device()) {
            case CUDA -> new Choice(cuda(settings, false, fetching), Optional.empty());
            case CPU -> new Choice(cpu(settings), Optional.empty());
            case SOFTGPU -> {
                if (settings.threads() > 0) {
                    SoftGpu.configure("threads=" + settings.threads());
                }
                yield new Choice(cuda(settings, true, fetching), Optional.empty());
            }
            case AUTO -> auto(settings, fetching);
        };
    }

    private static Choice auto(DeviceSettings settings, FetchListener fetching) {
        try {
            return new Choice(cuda(settings, false, fetching), Optional.empty());
        } catch (FramecastException e) {
            if (settings.convolutions() == Convolutions.VENDOR) {
                throw e; // The CPU has none of these.
            }
            return new Choice(cpu(settings), Optional.of(e));
        }
    }

    private static Backend cuda(DeviceSettings settings, boolean software, FetchListener fetching) {
        return new CudaBackend(software, settings.precision(), settings.convolutions(),
                CudaBackend.graphs(System.getenv()), fetching);
    }

    private static Backend cpu(DeviceSettings settings) {
        if (settings.convolutions() == Convolutions.VENDOR) {
            throw new FramecastException("cuDNN and cuBLAS are for CUDA devices; on the CPU do without them.",
                    Remedy.KERNEL_CONVOLUTIONS);
        }
        return new CpuBackend(settings.precision(), settings.threads());
    }
}
