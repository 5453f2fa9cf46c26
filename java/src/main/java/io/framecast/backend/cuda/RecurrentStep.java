package io.framecast.backend.cuda;

import io.framecast.backend.Activation;

/**
 * A frame of a ConvLSTM by convlstm_step.cu: the recurrent convolution with gates, cell and hidden state fused into its
 * end. Gates are (images, height, width, filters, 4), weights (taps, filters, filters, 4), cells and hidden states
 * (images, height, width, filters).
 */
final class RecurrentStep implements AutoCloseable {

    private final ConvolutionShape shape;
    private final ConvolutionTile tile = ConvolutionTile.SQUARE;
    private final CudaModule module;
    private final CudaKernel kernel;

    /** @param shape of the recurrent convolution: from filters to 4 * filters, stride 1, same */
    RecurrentStep(CudaDevice device, ConvolutionShape shape) {
        this.shape = shape;
        Math.toIntExact(Math.max(shape.weightsSize(), shape.outputSize()));
        module = device.module("convlstm_step.cu", shape.options());
        kernel = module.kernel("convLstmStep");
    }

    /**
     * Makes cell and hidden state of a frame from those before it.
     *
     * @param zx the input convolution with its bias
     * @param gates receives the activated gates, for backward; null: none are kept
     */
    void launch(int images, DeviceMemory before, DeviceMemory w, DeviceMemory zx, DeviceMemory cellBefore,
            DeviceMemory gates, DeviceMemory cell, DeviceMemory hidden, Activation activation,
            Activation recurrentActivation) {
        kernel.launch(tile.grid(Math.multiplyExact(images, shape.pixels()), shape.outputs(), 1), ConvolutionTile.BLOCK,
                0, before, w, zx, cellBefore, gates, cell, hidden, activation.ordinal(),
                recurrentActivation.ordinal(), images);
    }

    @Override
    public void close() {
        module.close();
    }
}
