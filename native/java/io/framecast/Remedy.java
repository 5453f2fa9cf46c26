package io.framecast;

/**
 * What a caller can do about a {@link FramecastException}. The message says the same in words that fit every caller;
 * a program with its own names for these things, such as the options of a command line, can add them.
 */
public enum Remedy {
    SMALLER_BATCH,
    SMALLER_LEARNING_RATE,
    /** Leave the precision at its default, fp32. */
    DEFAULT_PRECISION,
    /** Convolve with this project's kernels, not with cuDNN and cuBLAS. */
    KERNEL_CONVOLUTIONS,
    /** Compute on the CPU. */
    CPU,
    /** Run the same on the software CUDA device, which checks every memory access. */
    SOFTWARE_DEVICE,
    /** Start Java with a larger heap. */
    LARGER_HEAP,
    /** Resume the run that is in the directory. */
    RESUME_RUN,
    /** Choose another directory for the run. */
    OTHER_DIRECTORY,
    /** Replace the run that is in the directory. */
    OVERWRITE_RUN
}
