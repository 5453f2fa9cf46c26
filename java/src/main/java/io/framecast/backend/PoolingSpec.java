package io.framecast.backend;

/**
 * For each channel, the largest value or the mean of windows of pixels of frames (height, width, channels). Pixels of
 * the padding are no part of a window.
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of a frame
 * @param poolHeight rows of a window
 * @param poolWidth columns of a window
 * @param strideHeight rows from one window to the next
 * @param strideWidth columns from one window to the next
 * @param same whether the frame is padded as by Keras's "same"; else "valid"
 * @param max whether it is the largest value; else the mean
 */
public record PoolingSpec(int height, int width, int channels, int poolHeight, int poolWidth, int strideHeight,
        int strideWidth, boolean same, boolean max) {

    /**
     * The rows of windows.
     *
     * @return 0 or less if a window is larger than the frame
     */
    public int outHeight() {
        return Padding.outputs(same, height, poolHeight, strideHeight, 1);
    }

    /**
     * The columns of windows.
     *
     * @return 0 or less if a window is larger than the frame
     */
    public int outWidth() {
        return Padding.outputs(same, width, poolWidth, strideWidth, 1);
    }

    /**
     * The rows of padding before the first row.
     *
     * @return 0 where the frame is not padded
     */
    public int padTop() {
        return Padding.before(same, height, poolHeight, strideHeight, 1);
    }

    /**
     * The columns of padding before the first column.
     *
     * @return 0 where the frame is not padded
     */
    public int padLeft() {
        return Padding.before(same, width, poolWidth, strideWidth, 1);
    }
}
