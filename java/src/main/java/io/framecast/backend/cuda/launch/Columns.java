package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import java.util.List;

/**
 * How kernels that work on the columns of a matrix (rows, columns) are launched; see cuda-kernels/column_reduction.cuh.
 * A reduction over rows has two steps: each block reduces some of the rows to partial sums, and a second kernel reduces
 * these.
 *
 * @param rows the most rows of a launch
 */
public record Columns(CudaOps ops, long rows, int columns) {

    /** The fewest rows of a thread: with fewer, the partial sums of another block cost more than it saves. */
    private static final int ROWS_PER_THREAD = 8;

    /** Blocks of a reduction for each multiprocessor: enough to keep its memory busy. */
    private static final int BLOCKS_PER_MULTIPROCESSOR = 2;

    /** Columns that a block of the second step reduces. */
    private static final int GATHERED = 8;

    /** A kernel for these columns: its float4 variant, named with a 4 at the end, where their number allows. */
    public CudaKernel kernel(String file, String name) {
        return kernel(file, name, List.of());
    }

    /** The same with further options of the compiler. */
    public CudaKernel kernel(String file, String name, List<String> options) {
        return ops.kernel(file, name + width(), options);
    }

    /** The grid that reduces {@code n} rows to partial sums: (blocks of rows, tiles of columns). */
    public Dim grid(long n) {
        return grid(n, BLOCKS_PER_MULTIPROCESSOR * ops.device().multiprocessors());
    }

    /** The grid of a kernel that reads or writes {@code n} rows and reduces nothing. */
    public Dim passGrid(long n) {
        return grid(n, ops.maxBlocks());
    }

    private Dim grid(long n, int most) {
        long rowsAtOnce = CudaOps.BLOCK.x() / CudaOps.ceilDiv(columns / width(), tiles());
        return Dim.of((int) Math.max(1, Math.min(CudaOps.ceilDiv(n, ROWS_PER_THREAD * rowsAtOnce), most)), tiles());
    }

    /** The most partial sums of a column. */
    public int parts() {
        return grid(rows).x();
    }

    /** The grid that reduces the partial sums. */
    public Dim gatherGrid() {
        return Dim.of(1, CudaOps.ceilDiv(columns, GATHERED));
    }

    private int width() {
        return columns % 4 == 0 ? 4 : 1;
    }

    private int tiles() {
        return CudaOps.ceilDiv(columns / width(), CudaOps.BLOCK.x());
    }
}
