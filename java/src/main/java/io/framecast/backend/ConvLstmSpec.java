package io.framecast.backend;

/**
 * A ConvLSTM layer over frames of (height, width, channels). Kernel (kernelHeight, kernelWidth, channels, 4*filters),
 * recurrent kernel (kernelHeight, kernelWidth, filters, 4*filters), bias (4*filters); the blocks of the last axis are
 * i, f, g, o. Strides, padding and dilation apply to the input convolution; the recurrent convolution has stride 1 and
 * `same` padding.
 */
public record ConvLstmSpec(int height, int width, int channels, int filters, int kernelHeight, int kernelWidth,
        int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same, Activation activation,
        Activation recurrentActivation) {

    /** The number of gates: the last axis of kernels and bias has GATES blocks of {@code filters} values. */
    public static final int GATES = 4;
}
