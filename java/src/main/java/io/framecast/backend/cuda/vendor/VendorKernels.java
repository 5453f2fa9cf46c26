package io.framecast.backend.cuda.vendor;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;

/** Our kernels around a vendor's convolution: the order of the weights, and the bias. */
final class VendorKernels {

    /** Rows and columns of the tile that a block transposes. */
    private static final int TILE = 32;

    private final ConvolutionShape shape;
    private final boolean gates;
    private final CudaKernel transpose;
    private final CudaKernel transposeGates;
    private final CudaKernel addBias;
    private final Columns columns;

    /** @param images the most of a call */
    VendorKernels(CudaOps ops, ConvolutionShape shape, boolean gates, int images) {
        this.shape = shape;
        this.gates = gates;
        transpose = ops.kernel("transpose.cu", "transpose");
        transposeGates = ops.kernel("transpose.cu", "transposeGates");
        columns = new Columns(ops, (long) images * shape.outPixels(), shape.outputs());
        addBias = columns.kernel("bias.cu", "addBias");
    }

    /** filters (outputs, taps, inputs) = w (taps, inputs, outputs). */
    void toFilters(DeviceMemory w, DeviceMemory filters) {
        int rows = shape.taps() * shape.inputs();
        transpose.launch(tiles(rows, shape.outputs()), CudaOps.BLOCK, 0, w, filters, rows, shape.outputs());
    }

    /** dw (taps, inputs, outputs) = filters (outputs, taps, inputs); for gates, dw is in Keras's order. */
    void fromFilters(DeviceMemory filters, DeviceMemory dw) {
        int columns = shape.taps() * shape.inputs();
        Dim grid = tiles(shape.outputs(), columns);
        if (gates) {
            transposeGates.launch(grid, CudaOps.BLOCK, 0, filters, dw, shape.outputs() / ConvLstmSpec.GATES,
                    columns);
        } else {
            transpose.launch(grid, CudaOps.BLOCK, 0, filters, dw, shape.outputs(), columns);
        }
    }

    private static Dim tiles(int rows, int columns) {
        return Dim.of(CudaOps.ceilDiv(columns, TILE), CudaOps.ceilDiv(rows, TILE));
    }

    /** y (images, outPixels, outputs) += bias (outputs). */
    void addBias(int images, DeviceMemory bias, DeviceMemory y) {
        int rows = Math.multiplyExact(images, shape.outPixels());
        addBias.launch(columns.passGrid(rows), CudaOps.BLOCK, 0, bias, y, rows, shape.outputs());
    }
}
