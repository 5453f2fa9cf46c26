package io.framecast.backend.cuda;

import io.framecast.backend.cuda.CudaKernel.Dim;

/** The part of a matrix product that a block of convolution.cuh makes, and the grid that covers a product with it. */
record ConvolutionTile(int rows, int columns) {

    static final ConvolutionTile SQUARE = new ConvolutionTile(128, 128);

    static final Dim BLOCK = Dim.of(256);

    /** Blocks that a multiprocessor holds at once, which the kernels' launch bounds promise. */
    static final int BLOCKS_PER_MULTIPROCESSOR = 2;

    /** How many tiles cover a matrix. */
    int count(int rows, int columns) {
        // A kernel numbers the rows of the last tile whole.
        Math.addExact(rows, this.rows);
        return Math.multiplyExact(ceilDiv(rows, this.rows), ceilDiv(columns, this.columns));
    }

    /** The grid of a product whose sums are split into parts: (tiles, splits), the tiles of a row side by side. */
    Dim grid(int rows, int columns, int splits) {
        return Dim.of(count(rows, columns), splits);
    }

    static int ceilDiv(int a, int b) {
        return a / b + (a % b == 0 ? 0 : 1);
    }
}
