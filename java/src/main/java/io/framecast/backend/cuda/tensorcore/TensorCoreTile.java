package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/**
 * The tile of a product that a block computes with tensor cores; see cuda-kernels/tensor_core/tile.cuh.
 *
 * @param rows of the tile (M)
 * @param columns of the tile (N)
 * @param stepBytes of each operand's row along k that a stage holds
 * @param warpRows of a warp
 * @param warpColumns of a warp
 * @param slices warps that share these, each with a part of every step
 * @param stages in shared memory
 * @param blocks of a multiprocessor for which registers are limited
 */
record TensorCoreTile(int rows, int columns, int stepBytes, int warpRows, int warpColumns, int slices, int stages,
        int blocks) {

    /**
     * For the gates of a frame. 20,480 pixels, five videos of 64 x 64, are 214 tiles of 96 rows, for the 108
     * multiprocessors of an A100 twice; and 256 of 80, for the 132 of an H100 twice.
     */
    static final List<TensorCoreTile> STEP = List.of(
            new TensorCoreTile(96, 256, 128, 48, 64, 1, 3, 1),
            new TensorCoreTile(80, 256, 64, 80, 64, 1, 4, 2),
            new TensorCoreTile(96, 256, 64, 48, 64, 1, 4, 1),
            new TensorCoreTile(128, 128, 64, 64, 64, 1, 4, 2),
            new TensorCoreTile(64, 64, 128, 16, 64, 1, 3, 2));

    /** For forward and backward data. */
    static final List<TensorCoreTile> ROWS = List.of(
            new TensorCoreTile(128, 128, 64, 64, 64, 1, 4, 2),
            new TensorCoreTile(192, 64, 128, 96, 32, 2, 4, 1),
            new TensorCoreTile(160, 64, 128, 80, 32, 2, 4, 1),
            new TensorCoreTile(64, 64, 128, 32, 32, 1, 3, 3),
            new TensorCoreTile(128, 32, 128, 32, 32, 1, 3, 2),
            new TensorCoreTile(128, 16, 128, 32, 16, 1, 3, 2));

    /** For backward weights. */
    static final List<TensorCoreTile> WEIGHTS = List.of(
            new TensorCoreTile(128, 256, 64, 64, 64, 1, 3, 1),
            new TensorCoreTile(128, 128, 64, 64, 64, 1, 4, 2),
            new TensorCoreTile(128, 64, 64, 64, 32, 1, 4, 2),
            new TensorCoreTile(64, 64, 64, 32, 32, 1, 4, 3));

    /** The rows of the highest tile. */
    static final int MOST_ROWS = 192;

    /** The fixed cost of a tile, in columns of k. */
    private static final int TILE_COST = 128;

    /**
     * The tile with the least estimated time for a product.
     *
     * @param k the length of the sums
     * @param ops of the device, whose multiprocessors and shared memory count
     */
    static TensorCoreTile fastest(List<TensorCoreTile> tiles, long rows, int columns, int k, CudaOps ops) {
        return fastest(tiles, rows, columns, k, ops.tiledMultiprocessors(), ops.device());
    }

    /** As above, on so many multiprocessors. */
    static TensorCoreTile fastest(List<TensorCoreTile> tiles, long rows, int columns, int k, int multiprocessors,
            CudaDevice device) {
        TensorCoreTile fastest = null;
        double least = Double.POSITIVE_INFINITY;
        for (TensorCoreTile tile : tiles) {
            int resident = tile.resident(device);
            if (resident == 0) {
                continue;
            }
            long waves = ceilDiv(tile.count(rows, columns), (long) multiprocessors * resident);
            double time = waves * resident * (k + TILE_COST) * tile.cost();
            if (time < least) {
                least = time;
                fastest = tile;
            }
        }
        if (fastest == null) {
            throw new IllegalStateException("no tile fits into the shared memory of a block");
        }
        return fastest;
    }

    /**
     * The cycles of a tile for a column of k, the most of three: of the tensor cores, which multiply 1024 pairs of
     * bfloat16 a cycle on an A100; of shared memory, from which each warp reads its rows and columns, 128 bytes a
     * cycle; and of the L2 cache, from which the tile's rows and columns come, 32 bytes a cycle and multiprocessor.
     */
    private double cost() {
        double warps = (double) rows / warpRows * (columns / warpColumns);
        double products = rows * columns / 1024.0;
        double shared = warps * (warpRows + warpColumns) * Short.BYTES / 128.0;
        double l2 = (rows + columns) * Short.BYTES / 32.0;
        return Math.max(products, Math.max(shared, l2));
    }

    /** How many blocks are resident on a multiprocessor; 0: a block needs too much shared memory. */
    int resident(CudaDevice device) {
        if (sharedBytes() > device.sharedBytesOfBlock()) {
            return 0;
        }
        return Math.min(blocks, device.sharedBytesOfMultiprocessor() / (sharedBytes() + CudaKernel.RESERVED_BYTES));
    }

    /** How many of so many padded channels are consecutive in packed weights: a step, or all. */
    int channelBlock(Operand operand, int padded) {
        int step = stepBytes / operand.bytes();
        return padded % step == 0 ? step : padded;
    }

    /** Dynamic shared memory of a block. */
    int sharedBytes() {
        return stages * stepBytes * (rows + columns);
    }

    /** A kernel compiled for this tile, which then has the shared memory of its blocks, and the rest as L1 cache. */
    CudaKernel kernel(CudaOps ops, String file, String name, List<String> options) {
        CudaKernel kernel = ops.kernel(file, name, options);
        kernel.preferSharedMemory(sharedBytes(), resident(ops.device()));
        return kernel;
    }

    /** The block of the kernel. */
    Dim block() {
        return Dim.of(32 * (rows / warpRows) * (columns / warpColumns) * slices);
    }

    /** The compiler's option for a kernel whose tile has this name in its source. */
    String option(String name) {
        return "-D" + name + "=" + rows + "," + columns + "," + stepBytes + "," + warpRows + "," + warpColumns + ","
                + slices + "," + stages + "," + blocks;
    }

    /** How many tiles cover a matrix. */
    int count(long rows, int columns) {
        // Kernels have 32-bit indices of rows, also of those of the last tile beyond the matrix.
        Math.toIntExact(rows + this.rows);
        return Math.toIntExact(Math.multiplyExact(ceilDiv(rows, this.rows), ceilDiv(columns, this.columns)));
    }
}
