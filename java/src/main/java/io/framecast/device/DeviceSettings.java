package io.framecast.device;

import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;

/**
 * Which device computes, and how. Threads out of their range are an {@link IllegalArgumentException}.
 *
 * @param device the kind of device
 * @param precision what convolutions multiply
 * @param convolutions of CUDA devices: by this project's kernels, or by cuDNN and cuBLAS
 * @param threads that the CPU, or the software device, computes with, at most {@value #MAX_THREADS}; 0 for one for each
 *     processor that this process may use
 */
public record DeviceSettings(Device device, Precision precision, Convolutions convolutions, int threads) {

    /** The most threads that can be asked for. */
    public static final int MAX_THREADS = 1024;

    /** A CUDA device that works, else the CPU; in float32, by this project's kernels, with all processors. */
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
     * {@return the same on another device}
     *
     * @param other the kind of device
     */
    public DeviceSettings with(Device other) {
        return new DeviceSettings(other, precision, convolutions, threads);
    }

    /**
     * {@return the same at another precision}
     *
     * @param other what convolutions multiply
     */
    public DeviceSettings with(Precision other) {
        return new DeviceSettings(device, other, convolutions, threads);
    }

    /**
     * {@return the same with other convolutions}
     *
     * @param other how CUDA devices compute convolutions
     */
    public DeviceSettings with(Convolutions other) {
        return new DeviceSettings(device, precision, other, threads);
    }

    /**
     * {@return the same with so many threads}
     *
     * @param other from 0, which is one for each processor, to {@value #MAX_THREADS}
     */
    public DeviceSettings withThreads(int other) {
        return new DeviceSettings(device, precision, convolutions, other);
    }
}
