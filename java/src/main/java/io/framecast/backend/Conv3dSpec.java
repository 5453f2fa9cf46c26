package io.framecast.backend;

/**
 * A convolution over time, height and width of frames (height, width, channels), stride 1, zero padding `same` in all
 * three. Kernel (kernelFrames, kernelHeight, kernelWidth, channels, filters), bias (filters).
 */
public record Conv3dSpec(int height, int width, int channels, int filters, int kernelFrames, int kernelHeight,
        int kernelWidth, Activation activation) {
}
