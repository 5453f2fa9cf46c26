package io.framecast.device;

/** A kind of device. */
public enum Device {
    /** A CUDA device if one works, else the CPU. */
    AUTO,
    /** An NVIDIA GPU. */
    CUDA,
    /** The CPU of this machine. */
    CPU,
    /** The software CUDA device: runs the CUDA kernels on the CPU with all checks, for tests. Slow. */
    SOFTGPU
}
