package io.framecast.backend.cuda;

/**
 * A convolution of one {@link ConvolutionShape} over any number of images, in NHWC: x (images, height, width, inputs),
 * y (images, outHeight, outWidth, outputs), w (taps, inputs, outputs), all float32, beginning at multiples of 16 bytes.
 * Everything is launched, in order, and nothing waited for.
 */
interface CudaConvolution extends AutoCloseable {

    /** y = convolution, or y += convolution where it accumulates; plus the bias (outputs), if it is not null. */
    void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y, boolean accumulate);

    /** dx = the gradient of x, or dx += it. */
    void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate);

    /**
     * dw = the gradient of w, added up in an order that is always the same. dw may begin anywhere. Of a convolution
     * made for gates, whose outputs are (filters, 4) everywhere else, dw is in Keras's order (taps, inputs, 4,
     * filters).
     */
    void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw);

    @Override
    void close();

    /** Who makes convolutions. */
    @FunctionalInterface
    interface Factory {

        /**
         * @param gates outputs are (filters, 4), and gradients of weights wanted in Keras's order (4, filters)
         * @param images the most that forward and backward data will be given at once
         * @param sequence the most that backward weights will be given: of a recurrent convolution, those of all frames
         * @param training also backward
         */
        CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training);
    }
}
