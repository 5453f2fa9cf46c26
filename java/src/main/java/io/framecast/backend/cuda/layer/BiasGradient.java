package io.framecast.backend.cuda.layer;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/** The gradient of a bias: the outputs' gradient, summed over rows in a fixed order; see cuda-kernels/reduce.cu. */
final class BiasGradient {

    private final CudaOps ops;
    private final int outputs;
    private final boolean gates;
    private final Columns columns;
    private final CudaKernel columnSums;
    private final CudaKernel sumSplits;
    private final Region partialSums;

    /**
     * @param rows the most rows
     * @param gates whether the outputs are (filters, gates) and the bias is in Keras's order (gates, filters)
     */
    BiasGradient(CudaOps ops, OpResources resources, long rows, int outputs, boolean gates) {
        this.ops = ops;
        this.outputs = outputs;
        this.gates = gates;
        columns = new Columns(ops, rows, outputs);
        columnSums = columns.kernel("reduce.cu", "columnSums");
        sumSplits = ops.kernel("reduce.cu", gates ? "sumGateSplits" : "sumSplits");
        partialSums = resources.scratch((long) outputs * columns.parts());
    }

    /** @param dy (rows, outputs) */
    void run(DeviceMemory dy, int rows, DeviceMemory gradient) {
        Dim grid = columns.grid(rows);
        DeviceMemory sums = partialSums.memory();
        columnSums.launch(grid, CudaOps.BLOCK, 0, dy, sums, rows, outputs);
        if (gates) {
            int filters = outputs / ConvLstmSpec.GATES;
            sumSplits.launch(ops.itemGrid(filters), CudaOps.BLOCK, 0, sums, gradient, grid.x(), (long) filters,
                    filters);
        } else {
            sumSplits.launch(ops.itemGrid(outputs), CudaOps.BLOCK, 0, sums, gradient, grid.x(), (long) outputs);
        }
    }
}
