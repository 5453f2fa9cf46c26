package io.framecast.backend;

/**
 * A convolution over time, height and width of frames (height, width, channels), in time with stride 1 and zero padding
 * `same`. Kernel (kernelFrames, kernelHeight, kernelWidth, channels, filters), bias (filters).
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of an input frame
 * @param filters channels of an output frame
 * @param kernelFrames size of the kernel in time
 * @param kernelHeight size of the kernel in rows
 * @param kernelWidth size of the kernel in columns
 * @param strideHeight in rows
 * @param strideWidth in columns
 * @param dilationHeight in rows
 * @param dilationWidth in columns
 * @param same whether frames are padded with zeros as by Keras's "same"; else "valid"
 * @param activation of the output
 */
public record Conv3dSpec(int height, int width, int channels, int filters, int kernelFrames, int kernelHeight,
        int kernelWidth, int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same,
        Activation activation) {

    /**
     * With stride 1, no dilation and padding `same`.
     *
     * @param height rows of a frame
     * @param width columns of a frame
     * @param channels channels of an input frame
     * @param filters channels of an output frame
     * @param kernelFrames size of the kernel in time
     * @param kernelHeight size of the kernel in rows
     * @param kernelWidth size of the kernel in columns
     * @param activation of the output
     */
    public Conv3dSpec(int height, int width, int channels, int filters, int kernelFrames, int kernelHeight,
            int kernelWidth, Activation activation) {
        this(height, width, channels, filters, kernelFrames, kernelHeight, kernelWidth, 1, 1, 1, 1, true, activation);
    }

    /**
     * The rows of an output frame.
     *
     * @return 0 or less if the kernel is larger than the frame
     */
    public int outHeight() {
        return Padding.outputs(same, height, kernelHeight, strideHeight, dilationHeight);
    }

    /**
     * The columns of an output frame.
     *
     * @return 0 or less if the kernel is larger than the frame
     */
    public int outWidth() {
        return Padding.outputs(same, width, kernelWidth, strideWidth, dilationWidth);
    }
}
