package io.framecast.backend;

/**
 * The motion between each frame of (height, width, channels) and the one before it, by block matching with a soft
 * argmin, to (height/block, width/block, 3).
 *
 * <p>For each block and displacement d = (dy, dx) in [-reach, reach]², D(d) is the sum over the block's pixels p and
 * channels of (x_t[p] - x_{t-1}[p + d])², where x_{t-1} is zero outside the image. The cost is window² times the mean
 * of D(d) over the blocks of the window around the block that lie inside the image. With P the softmax of -cost over
 * all d, the channels are the sum of P*dy, the sum of P*dx, and the least cost divided by 8, at most 1. The frame
 * before the first is the first itself.
 *
 * @param height rows of the frame, a multiple of block
 * @param width columns of the frame, a multiple of block
 * @param channels channels of the frame
 * @param block rows and columns of a block
 * @param reach the largest displacement, in pixels
 * @param window rows and columns of the window, in blocks; odd
 */
public record BlockMatchingSpec(int height, int width, int channels, int block, int reach, int window) {

    /** The channels of the output. */
    public static final int OUTPUTS = 3;

    /**
     * How many displacements are compared.
     *
     * @return (2*reach + 1)²
     */
    public long displacements() {
        return (2L * reach + 1) * (2L * reach + 1);
    }
}
