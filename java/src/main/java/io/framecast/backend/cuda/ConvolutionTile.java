package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaOps.ceilDiv;

import io.framecast.backend.cuda.CudaKernel.Dim;

/**
 * The part of a matrix product that a block of convolution.cu makes: its rows and columns, how many terms of the sums
 * it fetches in a step, and how high and wide a thread's part of it is.
 */
enum ConvolutionTile {
    SQUARE(128, 128, 8, 8, 8),
    HIGH(256, 64, 8, 8, 8),
    WIDE(64, 256, 8, 8, 8),
    /** For small products, so that no multiprocessor has much more to do than another. */
    SMALL(64, 64, 8, 8, 4),
    /** For few columns. */
    NARROW(256, 32, 8, 8, 4),
    NARROWEST(128, 8, 8, 4, 4),
    /** For few rows. */
    LOW(32, 256, 8, 4, 8);

    /** Of any. */
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
     * The one that makes a product in the least time.
     *
     * @param inFours whether the channels that are fetched for the rows come in fours
     * @param multiprocessors that share the tiles
     */
    static ConvolutionTile fastest(int rows, int columns, boolean inFours, int multiprocessors) {
        ConvolutionTile fastest = null;
        double least = Double.POSITIVE_INFINITY;
        for (ConvolutionTile tile : values()) {
            double time = ceilDiv(tile.count(rows, columns), multiprocessors) * tile.cost(inFours);
            if (time < least && tile.fits(inFours)) {
                least = time;
                fastest = tile;
            }
        }
        return fastest;
    }

    /**
     * Instructions of all threads to add one term to each sum: a multiply-add, reads of shared memory, of which each
     * takes as long as three others, and fetching; some for the loop.
     */
    private double cost(boolean inFours) {
        double fetched = (double) (rows + columns) / threads();
        return threads() * (threadRows * threadColumns + 3.0 / 4 * (threadRows + threadColumns)
                + (inFours ? 4 : 12) * fetched + 2);
    }

    /** Whether a thread's registers hold its sums and, for what it fetches one by one, the places that is from. */
    boolean fits(boolean inFours) {
        return inFours || threadRows * threadColumns + 3 * rows * step / threads() <= 56;
    }

    private int threads() {
        return rows / threadRows * (columns / threadColumns);
    }

    /** Of the kernel. */
    Dim block() {
        return Dim.of(threads());
    }

    /** How many a multiprocessor holds at once, which the kernels' launch bounds promise. */
    int blocksPerMultiprocessor() {
        return threads() > 64 ? 512 / threads() : 7;
    }

    /** How many terms of the sums a block fetches at once. */
    int step() {
        return step;
    }

    /** What the kernels are compiled with, by the name under which they look for their tile. */
    String option(String name) {
        return "-D" + name + "=" + rows + "," + columns + "," + step + "," + threadRows + "," + threadColumns;
    }

    /** How many cover a matrix. */
    int count(int rows, int columns) {
        // A kernel numbers the rows of the last tile whole, in 32 bits.
        Math.addExact(rows, this.rows);
        return Math.multiplyExact(ceilDiv(rows, this.rows), ceilDiv(columns, this.columns));
    }

    /** The grid for a matrix whose sums are made in parts: (tiles, splits), the tiles of a row side by side. */
    Dim grid(int rows, int columns, int splits) {
        return Dim.of(count(rows, columns), splits);
    }
}
