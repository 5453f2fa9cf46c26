package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.ConvolutionTile.BLOCK;
import static io.framecast.backend.cuda.ConvolutionTile.ceilDiv;

import io.framecast.backend.cuda.CudaKernel.Dim;
import java.util.List;

/** What is left to do around the vendor's convolutions: weights in another order, and the bias. */
final class VendorKernels {

    /** Rows and columns of what a block transposes. */
    private static final int TILE = 32;

    /** Rows that a thread adds the bias to, before another block is worth reading it. */
    private static final int ROWS_A_THREAD = 4;

    private static final int BLOCKS_A_MULTIPROCESSOR = 8;

    private final CudaDevice device;
    private final CudaKernel transpose;
    private final CudaKernel transposeGates;
    private final CudaKernel addBias1;
    private final CudaKernel addBias4;

    /** For a device, with which they are unloaded. */
    VendorKernels(CudaDevice device) {
        this.device = device;
        CudaModule transposition = device.module("transpose.cu", List.of());
        transpose = transposition.kernel("transpose");
        transposeGates = transposition.kernel("transposeGates");
        CudaModule bias = device.module("bias.cu", List.of());
        addBias1 = bias.kernel("addBias1");
        addBias4 = bias.kernel("addBias4");
    }

    /** filters (outputs, taps, inputs) = w (taps, inputs, outputs). */
    void toFilters(ConvolutionShape shape, DeviceMemory w, DeviceMemory filters) {
        int rows = shape.taps() * shape.inputs();
        transpose.launch(tiles(rows, shape.outputs()), BLOCK, 0, w, filters, rows, shape.outputs());
    }

    /**
     * dw (taps, inputs, outputs) = filters (outputs, taps, inputs).
     *
     * @param gates outputs are (filters, 4) in the filters, and (4, filters) in dw
     */
    void fromFilters(ConvolutionShape shape, boolean gates, DeviceMemory filters, DeviceMemory dw) {
        int columns = shape.taps() * shape.inputs();
        Dim grid = tiles(shape.outputs(), columns);
        if (gates) {
            transposeGates.launch(grid, BLOCK, 0, filters, dw, shape.outputs() / 4, columns);
        } else {
            transpose.launch(grid, BLOCK, 0, filters, dw, shape.outputs(), columns);
        }
    }

    private static Dim tiles(int rows, int columns) {
        return Dim.of(ceilDiv(columns, TILE), ceilDiv(rows, TILE));
    }

    /** y (rows, columns) += bias (columns). */
    void addBias(DeviceMemory bias, DeviceMemory y, int rows, int columns) {
        boolean fours = columns % 4 == 0;
        int groups = fours ? columns / 4 : columns;
        int tiles = ceilDiv(groups, BLOCK.x());
        int rowsAtOnce = BLOCK.x() / ceilDiv(groups, tiles);
        int parts = Math.min(ceilDiv(rows, ROWS_A_THREAD * rowsAtOnce),
                BLOCKS_A_MULTIPROCESSOR * device.multiprocessors());
        (fours ? addBias4 : addBias1).launch(Dim.of(parts, tiles), BLOCK, 0, bias, y, rows, columns);
    }
}
