package io.framecast.device;

import io.framecast.backend.Precision;
import io.framecast.backend.cuda.CudaBackend.Convolutions;

/**
 * Which device computes, and how.
 *
 * @param device the kind of device
 * @param precision what convolutions multiply
 * @param convolutions of CUDA devices: by this project's kernels, or by cuDNN and cuBLAS
 * @param threads that the CPU, or the software device, computes with: 0 for one for each processor that this process may
 *     use, at most {@value #MAX_THREADS}
 */
public record DeviceSettings(Device device, Precision precision, Convolutions convolutions, int threads) {

    /** The most threads that can be asked for. */
    public static final int MAX_THREADS = 1024;

    /** A CUDA device that works, else the CPU; in float32, by this project's kernels, with all processors. */
    public static final DeviceSettings DEFAULT =
            new DeviceSettings(Device.AUTO, Precision.FP32, Convolutions.KERNELS, 0);

    /** @throws IllegalArgumentException if there cannot be so many threads */
    public DeviceSettings {
        if (threads < 0 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads are " + threads + "; they must be from 0 to " + MAX_THREADS);
        }
    }

    /** The same on another device. */
    public DeviceSettings with(Device other) {
        return new DeviceSettings(other, precision, convolutions, threads);
    }

    /** The same at another precision. */
    public DeviceSettings with(Precision other) {
        return new DeviceSettings(device, other, convolutions, threads);
    }

    /** The same with other convolutions. */
    public DeviceSettings with(Convolutions other) {
        return new DeviceSettings(device, precision, other, threads);
    }

    /** The same with so many threads. */
    public DeviceSettings withThreads(int other) {
        return new DeviceSettings(device, precision, convolutions, other);
    }
}
