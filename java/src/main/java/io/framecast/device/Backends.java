package io.framecast.device;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.softgpu.SoftGpu;
import java.util.Optional;

/**
 * Opens devices. A backend and everything created on it may be used by one thread at a time. The caller closes the
 * backend, after everything that was created on it.
 */
public final class Backends {

    /**
     * The device that was chosen.
     *
     * @param backend the opened device; its {@link Backend#description} says which it is
     * @param whyNotCuda if {@link Device#AUTO} chose the CPU: why CUDA cannot be used
     */
    public record Choice(Backend backend, Optional<FramecastException> whyNotCuda) {
    }

    private Backends() {
    }

    /**
     * Opens a CUDA device if one works, else the CPU; in float32.
     *
     * @return the device, for the caller to close
     * @throws FramecastException if neither can be used
     */
    public static Backend auto() {
        return choose(DeviceSettings.DEFAULT, DataParallel.NONE, FetchListener.NONE).backend();
    }

    /**
     * Opens a device, with this project's own convolution kernels and with all processors.
     *
     * @param device the kind of device
     * @param precision the format of the operands of convolutions
     * @return the device, for the caller to close
     * @throws FramecastException if this machine has no such device, or the device does not work or does not support
     *     the precision; the message says what to do
     */
    public static Backend open(Device device, Precision precision) {
        return choose(DeviceSettings.DEFAULT.with(device).with(precision), DataParallel.NONE, FetchListener.NONE)
                .backend();
    }

    /**
     * Opens a device, and says why it was chosen.
     *
     * @param settings the device and its options
     * @param dataParallel the processes that the backend trains with, which it does not close; else {@link
     *     DataParallel#NONE}
     * @param fetching is told of the download if NVRTC, the compiler of CUDA kernels, has to be fetched
     * @return the device, for the caller to close, and why it is not a CUDA device
     * @throws FramecastException if the device cannot be used on this machine, or not with these settings; the message
     *     says what to do
     */
    public static Choice choose(DeviceSettings settings, DataParallel dataParallel, FetchListener fetching) {
        return switch (settings.device()) {
            case CUDA -> new Choice(cuda(settings, false, dataParallel, fetching), Optional.empty());
            case CPU -> new Choice(cpu(settings, dataParallel), Optional.empty());
            case SOFTGPU -> {
                if (settings.threads() > 0) {
                    SoftGpu.configure("threads=" + settings.threads());
                }
                yield new Choice(cuda(settings, true, dataParallel, fetching), Optional.empty());
            }
            case AUTO -> auto(settings, dataParallel, fetching);
        };
    }

    private static Choice auto(DeviceSettings settings, DataParallel dataParallel, FetchListener fetching) {
        try {
            return new Choice(cuda(settings, false, dataParallel, fetching), Optional.empty());
        } catch (FramecastException e) {
            if (settings.convolutions() == Convolutions.VENDOR) {
                throw e; // The CPU does not support the requested options either.
            }
            return new Choice(cpu(settings, dataParallel), Optional.of(e));
        }
    }

    private static Backend cuda(DeviceSettings settings, boolean software, DataParallel dataParallel,
            FetchListener fetching) {
        return new CudaBackend(software, settings.precision(), settings.convolutions(),
                CudaBackend.graphs(System.getenv()), fetching, dataParallel);
    }

    private static Backend cpu(DeviceSettings settings, DataParallel dataParallel) {
        if (settings.convolutions() == Convolutions.VENDOR) {
            throw new FramecastException("cuDNN and cuBLAS are for CUDA devices; on the CPU do without them.",
                    Remedy.KERNEL_CONVOLUTIONS);
        }
        return new CpuBackend(settings.precision(), settings.threads(), dataParallel);
    }
}
