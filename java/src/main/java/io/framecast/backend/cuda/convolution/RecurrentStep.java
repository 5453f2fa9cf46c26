package io.framecast.backend.cuda.convolution;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.ArrayList;
import java.util.List;

/**
 * A frame of a ConvLSTM by convlstm_step.cu: the recurrent convolution with gates, cell and hidden state fused into its
 * end. Gates are (images, height, width, filters, 4), weights (taps, filters, filters, 4), cells and hidden states
 * (images, height, width, filters).
 */
public final class RecurrentStep {

    private final ConvolutionShape shape;
    private final ConvolutionTile tile;
    private final CudaKernel kernel;

    /**
     * @param shape of the recurrent convolution: from filters to 4 * filters, stride 1, same
     * @param images the most that it will be given
     */
    RecurrentStep(CudaOps ops, ConvolutionShape shape, int images) {
        this(ops, shape, ConvolutionTile.fastest(Math.multiplyExact(images, shape.pixels()), shape.outputs(),
                shape.inputs() % 4 == 0, ops.device().multiprocessors()));
    }

    RecurrentStep(CudaOps ops, ConvolutionShape shape, ConvolutionTile tile) {
        this.shape = shape;
        this.tile = tile;
        kernel = ops.kernels().get("convlstm_step.cu", "convLstmStep", options(shape, tile));
    }

    /** What convlstm_step.cu is compiled with. */
    static List<String> options(ConvolutionShape shape, ConvolutionTile tile) {
        List<String> options = new ArrayList<>(shape.options());
        options.add(tile.option("FORWARD_TILE"));
        return options;
    }

    /**
     * Makes cell and hidden state of a frame from those before it.
     *
     * @param zx the input convolution with its bias
     * @param gates receives the activated gates, for backward; null: none are kept
     */
    public void launch(int images, DeviceMemory before, DeviceMemory w, DeviceMemory zx, DeviceMemory cellBefore,
            DeviceMemory gates, DeviceMemory cell, DeviceMemory hidden, Activation activation,
            Activation recurrentActivation) {
        int pixels = Math.multiplyExact(images, shape.pixels());
        kernel.launch(tile.grid(pixels, shape.outputs(), 1), tile.block(), 0, before, w, zx, cellBefore, gates, cell,
                hidden, activation.ordinal(), recurrentActivation.ordinal(), images);
    }
}
