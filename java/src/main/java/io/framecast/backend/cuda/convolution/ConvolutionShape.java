package io.framecast.backend.cuda.convolution;

import io.framecast.FramecastException;
import io.framecast.backend.Padding;
import java.util.List;

/**
 * A convolution in NHWC: images (height, width, inputs) with weights (kernelHeight, kernelWidth, inputs, outputs) to
 * images (outHeight, outWidth, outputs). Padding "same" is TensorFlow's: ceil(size / stride) outputs; of an odd number
 * of padding pixels, the extra one is at the bottom or right.
 */
public record ConvolutionShape(int height, int width, int inputs, int outputs, int kernelHeight, int kernelWidth,
        int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same) {

    /** With stride 1, padding "same" and no dilation. */
    public static ConvolutionShape same(int height, int width, int inputs, int outputs, int kernelHeight,
            int kernelWidth) {
        return new ConvolutionShape(height, width, inputs, outputs, kernelHeight, kernelWidth, 1, 1, 1, 1, true);
    }

    public int outHeight() {
        return out(height, kernelHeight, strideHeight, dilationHeight);
    }

    public int outWidth() {
        return out(width, kernelWidth, strideWidth, dilationWidth);
    }

    /** The sum of the padding at the top and at the bottom. */
    public int padHeight() {
        return pad(height, outHeight(), kernelHeight, strideHeight, dilationHeight);
    }

    /** The sum of the padding at the left and at the right. */
    public int padWidth() {
        return pad(width, outWidth(), kernelWidth, strideWidth, dilationWidth);
    }

    public int padTop() {
        return padHeight() / 2;
    }

    public int padLeft() {
        return padWidth() / 2;
    }

    public int taps() {
        return kernelHeight * kernelWidth;
    }

    /** The pixels of an input image. */
    public int pixels() {
        return Math.multiplyExact(height, width);
    }

    /** The pixels of an output image. */
    public int outPixels() {
        return Math.multiplyExact(outHeight(), outWidth());
    }

    /** The number of values of an input image. */
    public long inputSize() {
        return (long) pixels() * inputs;
    }

    /** The number of values of an output image. */
    public long outputSize() {
        return (long) outPixels() * outputs;
    }

    /** The number of weights. */
    public long weightsSize() {
        return (long) taps() * inputs * outputs;
    }

    /**
     * The compiler's options for the kernels of this shape.
     *
     * @throws FramecastException if it is too large for them
     */
    public List<String> options() {
        // Kernels have 32-bit indices into the weights, and into the images that the rows of a tile belong to.
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
        return Padding.outputs(same, size, kernel, stride, dilation);
    }

    private int pad(int size, int out, int kernel, int stride, int dilation) {
        return same ? Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) : 0;
    }
}
