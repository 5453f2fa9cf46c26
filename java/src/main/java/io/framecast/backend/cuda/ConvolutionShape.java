package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import java.util.List;

/**
 * A convolution in NHWC: images (height, width, inputs) with weights (kernelHeight, kernelWidth, inputs, outputs) to
 * images (outHeight, outWidth, outputs). Padding "same" is TensorFlow's: as many outputs as strides fit, the odd pixel
 * of padding behind.
 */
record ConvolutionShape(int height, int width, int inputs, int outputs, int kernelHeight, int kernelWidth,
        int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same) {

    /** With stride 1, padding "same" and no dilation: to images as large. */
    static ConvolutionShape same(int height, int width, int inputs, int outputs, int kernelHeight, int kernelWidth) {
        return new ConvolutionShape(height, width, inputs, outputs, kernelHeight, kernelWidth, 1, 1, 1, 1, true);
    }

    int outHeight() {
        return out(height, kernelHeight, strideHeight, dilationHeight);
    }

    int outWidth() {
        return out(width, kernelWidth, strideWidth, dilationWidth);
    }

    /** The padding of both sides together, above and below. */
    int padHeight() {
        return pad(height, outHeight(), kernelHeight, strideHeight, dilationHeight);
    }

    /** The padding of both sides together, left and right. */
    int padWidth() {
        return pad(width, outWidth(), kernelWidth, strideWidth, dilationWidth);
    }

    int padTop() {
        return padHeight() / 2;
    }

    int padLeft() {
        return padWidth() / 2;
    }

    int taps() {
        return kernelHeight * kernelWidth;
    }

    /** Of an input image. */
    int pixels() {
        return Math.multiplyExact(height, width);
    }

    /** Of an output image. */
    int outPixels() {
        return Math.multiplyExact(outHeight(), outWidth());
    }

    /** In values. */
    long inputSize() {
        return (long) pixels() * inputs;
    }

    /** In values. */
    long outputSize() {
        return (long) outPixels() * outputs;
    }

    /** In values. */
    long weightsSize() {
        return (long) taps() * inputs * outputs;
    }

    /**
     * What convolution/shape.cuh is compiled with.
     *
     * @throws FramecastException if it is too large for that
     */
    List<String> options() {
        // Kernels count in 32 bits within the weights, and within all images that the rows of a tile come from.
        long images = 2 + ConvolutionTile.MOST_ROWS / Math.min(pixels(), outPixels());
        if (Math.max(weightsSize(), images * Math.max(inputSize(), outputSize())) > Integer.MAX_VALUE) {
            throw new FramecastException("A convolution of frames of " + height + " x " + width + " from " + inputs
                    + " to " + outputs + " channels is too large for the CUDA kernels; use smaller frames or fewer "
                    + "filters.");
        }
        return List.of("-DHEIGHT=" + height, "-DWIDTH=" + width, "-DINPUTS=" + inputs, "-DOUT_HEIGHT=" + outHeight(),
                "-DOUT_WIDTH=" + outWidth(), "-DOUTPUTS=" + outputs, "-DKERNEL_HEIGHT=" + kernelHeight,
                "-DKERNEL_WIDTH=" + kernelWidth, "-DSTRIDE_HEIGHT=" + strideHeight, "-DSTRIDE_WIDTH=" + strideWidth,
                "-DDILATION_HEIGHT=" + dilationHeight, "-DDILATION_WIDTH=" + dilationWidth, "-DPAD_TOP=" + padTop(),
                "-DPAD_LEFT=" + padLeft());
    }

    private int out(int size, int kernel, int stride, int dilation) {
        return same ? (size + stride - 1) / stride : (size - (kernel - 1) * dilation - 1) / stride + 1;
    }

    private int pad(int size, int out, int kernel, int stride, int dilation) {
        return same ? Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) : 0;
    }
}
