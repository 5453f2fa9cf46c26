package io.framecast.backend;

/** What computes the convolutions of a CUDA device. */
public enum Convolutions {
    /** This project's kernels. */
    KERNELS,
    /** NVIDIA's libraries: cuBLAS for kernels of 1x1, cuDNN for the others. */
    VENDOR
}
