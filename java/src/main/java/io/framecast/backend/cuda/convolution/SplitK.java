package io.framecast.backend.cuda.convolution;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

/** Into how many parts a long sum is split, so that its tiles fill a device. */
public final class SplitK {

    /** The fixed cost of a tile, in values of k that a block could sum in that time. */
    private static final int TILE_COST = 64;

    private static final int MOST_SPLITS = 4096;

    private SplitK() {
    }

    /**
     * The number of splits with the least estimated time.
     *
     * @param tiles of a split
     * @param slots the blocks that are resident on the device
     * @param k the length of the sum
     * @param step of it that a block takes at a time
     * @throws ArithmeticException if the sum is too long for the kernels
     */
    public static int splits(int tiles, int slots, long k, int step) {
        // Kernels have 32-bit indices of k, also of the end of the last split.
        Math.toIntExact(2 * k + step);
        int best = 1;
        long least = Long.MAX_VALUE;
        for (int n = 1; n <= Math.min(MOST_SPLITS, ceilDiv(k, step)); n++) {
            long waves = ceilDiv((long) tiles * n, slots);
            long time = waves * (ceilDiv(k, n) + TILE_COST);
            if (time < least) {
                least = time;
                best = n;
            }
        }
        return best;
    }

    /** The length of each of so many splits, but the last: whole steps. With a short k there are fewer splits. */
    public static int length(long k, int splits, int step) {
        return Math.toIntExact(ceilDiv(ceilDiv(k, splits), step) * step);
    }
}
