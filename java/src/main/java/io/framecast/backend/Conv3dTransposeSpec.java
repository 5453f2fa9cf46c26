package io.framecast.backend;

/**
 * The gradient of the input of a convolution over time, height and width, as a layer: from frames (height, width,
 * channels) to frames (outHeight, outWidth, filters), plus bias. In time stride 1 and zero padding `same`. Kernel
 * (kernelFrames, kernelHeight, kernelWidth, filters, channels), bias (filters).
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of an input frame
 * @param filters channels of an output frame
 * @param kernelFrames size of the kernel in time
 * @param kernelHeight size of the kernel in rows
 * @param kernelWidth size of the kernel in columns
 * @param strideHeight output rows from one input row to the next
 * @param strideWidth output columns from one input column to the next
 * @param same whether the convolution is padded with zeros as by Keras's "same"; else "valid"
 * @param activation of the output
 */
public record Conv3dTransposeSpec(int height, int width, int channels, int filters, int kernelFrames,
        int kernelHeight, int kernelWidth, int strideHeight, int strideWidth, boolean same, Activation activation) {

    /**
     * The rows of an output frame.
     *
     * @return height * strideHeight; with "valid", as many more as the kernel is larger than the stride
     */
    public int outHeight() {
        return height * strideHeight + (same ? 0 : Math.max(0, kernelHeight - strideHeight));
    }

    /**
     * The columns of an output frame.
     *
     * @return width * strideWidth; with "valid", as many more as the kernel is larger than the stride
     */
    public int outWidth() {
        return width * strideWidth + (same ? 0 : Math.max(0, kernelWidth - strideWidth));
    }
}
