package io.framecast.backend.cuda.convolution;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.ArrayList;
import java.util.List;

/**
 * One frame of a ConvLSTM by convlstm_step.cu: the recurrent convolution, with gates, cell and hidden state as its
 * epilogue. Gates are (images, height, width, filters, gates), weights (taps, filters, filters, gates), cells and
 * hidden states (images, height, width, filters).
 */
public final class RecurrentStep {

    private final ConvolutionShape shape;
    private final ConvolutionTile tile;
    private final CudaKernel kernel;

    /** As {@link ConvolutionFamily#recurrentStep}. */
    RecurrentStep(CudaOps ops, ConvolutionShape shape, int images) {
        this(ops, shape, ConvolutionTile.fastest(Math.multiplyExact(images, shape.pixels()), shape.outputs(),
                shape.inputs() % 4 == 0, ops.tiledMultiprocessors()));
    }

    RecurrentStep(CudaOps ops, ConvolutionShape shape, ConvolutionTile tile) {
        this.shape = shape;
        this.tile = tile;
        kernel = ops.kernel("convlstm_step.cu", "convLstmStep", options(shape, tile));
    }

    /** The compiler's options for convlstm_step.cu. */
    static List<String> options(ConvolutionShape shape, ConvolutionTile tile) {
        List<String> options = new ArrayList<>(shape.options());
        options.add(tile.option("FORWARD_TILE"));
        return options;
    }

    /**
     * Computes cell and hidden state of a frame from those of the frame before.
     *
     * @param zx the input convolution with its bias
     * @param gates is set to the activated gates, for backward; null: they are not stored
     */
    public void launch(int images, DeviceMemory before, DeviceMemory w, DeviceMemory zx, DeviceMemory cellBefore,
            DeviceMemory gates, DeviceMemory cell, DeviceMemory hidden, Activation activation,
            Activation recurrentActivation) {
        int pixels = Math.multiplyExact(images, shape.pixels());
        kernel.launch(tile.grid(pixels, shape.outputs(), 1), tile.block(), 0, before, w, zx, cellBefore, gates, cell,
                hidden, activation.ordinal(), recurrentActivation.ordinal(), images);
    }
}
