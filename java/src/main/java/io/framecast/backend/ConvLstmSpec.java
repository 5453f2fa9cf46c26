package io.framecast.backend;

/**
 * A ConvLSTM layer over frames of (height, width, channels). Kernel (kernelHeight, kernelWidth, channels, 4*filters),
 * recurrent kernel (kernelHeight, kernelWidth, filters, 4*filters), bias (4*filters); the blocks of the last axis are
 * i, f, g, o. Strides, padding and dilation apply to the input convolution; the recurrent convolution has stride 1 and
 * `same` padding.
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of an input frame
 * @param filters channels of the state and of the output
 * @param kernelHeight rows of both kernels
 * @param kernelWidth columns of both kernels
 * @param strideHeight of the input convolution, in rows
 * @param strideWidth of the input convolution, in columns
 * @param dilationHeight of the input convolution, in rows
 * @param dilationWidth of the input convolution, in columns
 * @param same whether the input convolution is padded with zeros as by Keras's "same"; else "valid"
 * @param activation of the candidate g and of the cell state at the output
 * @param recurrentActivation of the gates i, f and o
 */
public record ConvLstmSpec(int height, int width, int channels, int filters, int kernelHeight, int kernelWidth,
        int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same, Activation activation,
        Activation recurrentActivation) {

    /** The number of gates: the last axis of kernels and bias has GATES blocks of {@code filters} values. */
    public static final int GATES = 4;
}
