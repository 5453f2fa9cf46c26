package io.framecast.backend.cuda.convolution;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

import io.framecast.backend.cuda.driver.CudaKernel.Dim;

/**
 * The tile of an implicit-GEMM product that a block of convolution.cu computes: its rows (M) and columns (N), the
 * depth of a step along K, and the rows and columns of a thread.
 */
enum ConvolutionTile {
    SQUARE(128, 128, 8, 8, 8),
    HIGH(256, 64, 8, 8, 8),
    WIDE(64, 256, 8, 8, 8),
    /** For small products: more tiles balance the load of the multiprocessors. */
    SMALL(64, 64, 8, 8, 4),
    /** For few columns. */
    NARROW(256, 32, 8, 8, 4),
    NARROWEST(128, 8, 8, 4, 4),
    /** For few rows. */
    LOW(32, 256, 8, 4, 8);

    /** The rows of the highest tile. */
    static final int MOST_ROWS = 256;

    private final int rows;
    private final int columns;
    private final int step;
    private final int threadRows;
    private final int threadColumns;

    ConvolutionTile(int rows, int columns, int step, int threadRows, int threadColumns) {
        this.rows = rows;
        this.columns = columns;
        this.step = step;
        this.threadRows = threadRows;
        this.threadColumns = threadColumns;
    }

    /**
     * The tile with the least estimated time for a product.
     *
     * @param vectorized whether operand A is loaded as float4: its channels are a multiple of 4
     * @param multiprocessors of the device
     */
    static ConvolutionTile fastest(int rows, int columns, boolean vectorized, int multiprocessors) {
        ConvolutionTile fastest = null;
        double least = Double.POSITIVE_INFINITY;
        for (ConvolutionTile tile : values()) {
            double time = ceilDiv(tile.count(rows, columns), multiprocessors) * tile.cost(vectorized);
            if (time < least && tile.fits(vectorized)) {
                least = time;
                fastest = tile;
            }
        }
        return fastest;
    }

    /**
     * The instructions of all threads to advance by 1 along K: multiply-adds; reads of shared memory, each of which
     * takes as long as three others; loads from device memory; the loop.
     */
    private double cost(boolean vectorized) {
        double loaded = (double) (rows + columns) / threads();
        return threads() * (threadRows * threadColumns + 3.0 / 4 * (threadRows + threadColumns)
                + (vectorized ? 4 : 12) * loaded + 2);
    }

    /** Whether a thread has registers for its accumulators and, if loads are scalar, for their addresses. */
    boolean fits(boolean vectorized) {
        return vectorized || threadRows * threadColumns + 3 * rows * step / threads() <= 56;
    }

    private int threads() {
        return rows / threadRows * (columns / threadColumns);
    }

    /** The block of the kernel. */
    Dim block() {
        return Dim.of(threads());
    }

    /** How many blocks are resident on a multiprocessor, as the kernels' launch bounds promise. */
    int blocksPerMultiprocessor() {
        return threads() > 64 ? 512 / threads() : 7;
    }

    /** The depth of a step along K. */
    int step() {
        return step;
    }

    /** The compiler's option for a kernel whose tile has this name in its source. */
    String option(String name) {
        return "-D" + name + "=" + rows + "," + columns + "," + step + "," + threadRows + "," + threadColumns;
    }

    /** How many tiles cover a matrix. */
    int count(int rows, int columns) {
        // Kernels have 32-bit indices of rows, also of those of the last tile beyond the matrix.
        Math.addExact(rows, this.rows);
        return Math.multiplyExact(ceilDiv(rows, this.rows), ceilDiv(columns, this.columns));
    }

    /** The grid of a split-K product: (tiles, splits), row by row. */
    Dim grid(int rows, int columns, int splits) {
        return Dim.of(count(rows, columns), splits);
    }
}
