package io.framecast.backend.cuda.convolution;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * A convolution of one {@link ConvolutionShape} over any number of images, in NHWC: x (images, height, width, inputs),
 * y (images, outHeight, outWidth, outputs), w (taps, inputs, outputs), all float32 and aligned to 16 bytes. Calls
 * launch their work in order and do not wait for it.
 */
public interface CudaConvolution extends AutoCloseable {

    /**
     * The input as this convolution reads it: the x of its other methods. Until another op is called.
     *
     * @param x (images, height, width, inputs)
     */
    default DeviceMemory input(int images, Tensor x) {
        return CudaOps.memory(x);
    }

    /**
     * y = conv(x, w) + bias.
     *
     * @param bias (outputs); null: none is added
     * @param accumulate whether the result is added to y
     */
    void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y, boolean accumulate);

    /**
     * dx = the gradient of x.
     *
     * @param accumulate whether it is added to dx
     */
    void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate);

    /**
     * dw = the gradient of w, summed in a fixed order.
     *
     * @param dw of any alignment. For gates, where w has outputs in the order (filters, gates), it is in Keras's order
     *        (taps, inputs, gates, filters)
     */
    void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw);

    @Override
    void close();
}
