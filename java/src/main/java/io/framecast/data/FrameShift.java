package io.framecast.data;

/**
 * Inputs and targets of next-frame prediction as two ranges of one array. For videos with T frames, inputs are frames 0
 * to T-2 and targets are frames 1 to T-1. In time-major layout (frames, batch, height, width, channels) both are
 * contiguous and differ only in their offset, so nothing is copied.
 *
 * @param videoFrames T, the frames of the videos; at least 2
 * @param stepSize the values of one time step: batch * height * width * channels
 */
public record FrameShift(int videoFrames, int stepSize) {

    /**
     * Checks the sizes.
     *
     * @param videoFrames T
     * @param stepSize batch * height * width * channels
     * @throws IllegalArgumentException if there are fewer than two frames, or no values
     * @throws ArithmeticException if there are more values than an array can hold
     */
    public FrameShift {
        if (videoFrames < 2 || stepSize < 1) {
            throw new IllegalArgumentException(
                    "no next frame in " + videoFrames + " frames of " + stepSize + " values");
        }
        Math.multiplyExact(videoFrames, stepSize);
    }

    /**
     * The frames of the inputs, and of the targets: T-1.
     *
     * @return a number of frames
     */
    public int frames() {
        return videoFrames - 1;
    }

    /**
     * Where the targets begin, in values; the inputs begin at 0.
     *
     * @return an index
     */
    public int targetOffset() {
        return stepSize;
    }

    /**
     * The number of values of the inputs, and of the targets.
     *
     * @return a number of values
     */
    public int length() {
        return frames() * stepSize;
    }
}
