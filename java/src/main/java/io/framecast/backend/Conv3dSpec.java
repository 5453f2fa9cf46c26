package io.framecast.backend;

/**
 * A convolution over time, height and width of frames (height, width, channels), stride 1, zero padding `same` in all
 * three. Kernel (kernelFrames, kernelHeight, kernelWidth, channels, filters), bias (filters).
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of an input frame
 * @param filters channels of an output frame
 * @param kernelFrames size of the kernel in time
 * @param kernelHeight size of the kernel in rows
 * @param kernelWidth size of the kernel in columns
 * @param activation of the output
 */
public record Conv3dSpec(int height, int width, int channels, int filters, int kernelFrames, int kernelHeight,
        int kernelWidth, Activation activation) {
}
