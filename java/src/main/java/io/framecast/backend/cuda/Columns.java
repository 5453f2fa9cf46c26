package io.framecast.backend.cuda;

import io.framecast.backend.cuda.CudaKernel.Dim;
import java.util.List;

/**
 * How reductions down the columns of a matrix (rows, columns) are launched; see cuda-kernels/column_reduction.cuh.
 *
 * @param rows the most it will have
 */
record Columns(CudaOps ops, long rows, int columns) {

    /** Rows a thread takes at least, before another block is worth its part of the partial sums. */
    private static final int ROWS_A_THREAD = 8;

    /** Blocks that reduce side by side, for each multiprocessor: enough to keep its memory busy. */
    private static final int PARTS = 2;

    /** Columns a block takes where it reduces the parts of the blocks before it. */
    private static final int GATHERED = 8;

    /** A kernel of this kind: the variant for columns in fours, where they come so. */
    CudaKernel kernel(String file, String name) {
        return ops.kernels().get(file, name + width(), List.of());
    }

    /** The grid of a reduction of {@code n} rows: blocks of rows, tiles of columns. */
    Dim grid(long n) {
        return grid(n, PARTS * ops.device().multiprocessors());
    }

    /** The grid of a pass that leaves no partial sums: more blocks are no more work later. */
    Dim passGrid(long n) {
        return grid(n, ops.maxBlocks());
    }

    private Dim grid(long n, int most) {
        long rowsAtOnce = CudaOps.BLOCK.x() / CudaOps.ceilDiv(columns / width(), tiles());
        return Dim.of((int) Math.max(1, Math.min(CudaOps.ceilDiv(n, ROWS_A_THREAD * rowsAtOnce), most)), tiles());
    }

    /** The most values a reduction leaves of each column. */
    int parts() {
        return grid(rows).x();
    }

    /** The grid that reduces the parts. */
    Dim gatherGrid() {
        return Dim.of(1, CudaOps.ceilDiv(columns, GATHERED));
    }

    private int width() {
        return columns % 4 == 0 ? 4 : 1;
    }

    private int tiles() {
        return CudaOps.ceilDiv(columns / width(), CudaOps.BLOCK.x());
    }
}
