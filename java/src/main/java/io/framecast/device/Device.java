package io.framecast.device;

/** A kind of device. */
public enum Device {
    /** A CUDA device that works, else the CPU. */
    AUTO,
    /** An NVIDIA GPU. */
    CUDA,
    /** The CPU of this machine. */
    CPU,
    /** CUDA in software: runs the kernels on the CPU, with all checks, to test with. Slow. */
    SOFTGPU
}
