package io.framecast.device;

import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;

/**
 * The device and its options. A number of threads outside the range is an {@link IllegalArgumentException}.
 *
 * @param device the kind of device
 * @param precision the format of the operands of convolutions
 * @param convolutions which convolutions a CUDA device uses: this project's kernels, or cuDNN and cuBLAS
 * @param threads threads of the CPU backend or of the software device, at most {@value #MAX_THREADS}; 0 for one thread
 *     per processor that this process may use
 */
public record DeviceSettings(Device device, Precision precision, Convolutions convolutions, int threads) {

    /** The largest number of threads. */
    public static final int MAX_THREADS = 1024;

    /** A CUDA device if one works, else the CPU; float32, this project's kernels, all processors. */
    public static final DeviceSettings DEFAULT =
            new DeviceSettings(Device.AUTO, Precision.FP32, Convolutions.KERNELS, 0);

    /**
     * Checks the number of threads.
     *
     * @param device the kind of device
     * @param precision what convolutions multiply
     * @param convolutions of CUDA devices
     * @param threads from 0, which is one for each processor, to {@value #MAX_THREADS}
     * @throws IllegalArgumentException if it is out of its range
     */
    public DeviceSettings {
        if (threads < 0 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads are " + threads + "; they must be from 0 to " + MAX_THREADS);
        }
    }

    /**
     * {@return the same settings with another device}
     *
     * @param other the kind of device
     */
    public DeviceSettings with(Device other) {
        return new DeviceSettings(other, precision, convolutions, threads);
    }

    /**
     * {@return the same settings with another precision}
     *
     * @param other the format of the operands of convolutions
     */
    public DeviceSettings with(Precision other) {
        return new DeviceSettings(device, other, convolutions, threads);
    }

    /**
     * {@return the same settings with other convolutions}
     *
     * @param other which convolutions a CUDA device uses
     */
    public DeviceSettings with(Convolutions other) {
        return new DeviceSettings(device, precision, other, threads);
    }

    /**
     * {@return the same settings with another number of threads}
     *
     * @param other 0 for one thread per processor, at most {@value #MAX_THREADS}
     */
    public DeviceSettings withThreads(int other) {
        return new DeviceSettings(device, precision, convolutions, other);
    }
}
