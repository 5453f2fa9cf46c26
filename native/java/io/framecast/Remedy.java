package io.framecast;

/**
 * What a caller can do about a {@link FramecastException}. The message says the same in general words. A program can
 * add its own names for these things, such as command-line options.
 */
public enum Remedy {
    /** Train with a smaller batch. */
    SMALLER_BATCH,
    /** Train with a smaller learning rate. */
    SMALLER_LEARNING_RATE,
    /** Use the default precision, fp32. */
    DEFAULT_PRECISION,
    /** Use this project's convolution kernels, not cuDNN and cuBLAS. */
    KERNEL_CONVOLUTIONS,
    /** Compute on the CPU. */
    CPU,
    /** Compute on an NVIDIA GPU. */
    CUDA,
    /** Run on the software CUDA device, which checks every memory access. */
    SOFTWARE_DEVICE,
    /** Start Java with a larger heap. */
    LARGER_HEAP,
    /** Resume the run that is in the directory. */
    RESUME_RUN,
    /** Choose another directory for the run. */
    OTHER_DIRECTORY,
    /** Replace the run that is in the directory. */
    OVERWRITE_RUN,
    /** Import a Keras model for frames of a given height and width. */
    FRAME_SIZE,
    /** Import weights of Keras for a given model. */
    GIVE_MODEL
}
