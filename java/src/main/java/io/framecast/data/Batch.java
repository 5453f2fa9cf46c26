package io.framecast.data;

/**
 * Several videos of one shape: {@code values} is (frames, size, height, width, channels), time-major float32.
 *
 * @param size the number of videos
 * @param frames frames of a video
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param values (frames, size, height, width, channels)
 * @param part which videos of a batch that several processes share these are; of an empty part, one video of zeros
 *     stands in for it
 */
public record Batch(int size, int frames, int height, int width, int channels, float[] values, BatchPart part) {

    /**
     * Checks the number of values.
     *
     * @param size the number of videos
     * @param frames the number of frames
     * @param height in pixels
     * @param width in pixels
     * @param channels such as 1 for grey
     * @param values (frames, size, height, width, channels); not copied
     * @param part its count is {@code size}, or 0 where size is 1
     * @throws IllegalArgumentException if {@code values} has another length than the sizes say, or the part another
     *     count
     */
    public Batch {
        long expected = (long) size * frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException("a batch of " + size + " videos of " + frames + " frames of " + height
                    + "x" + width + "x" + channels + " has " + expected + " values, not " + values.length);
        }
        if (size != Math.max(1, part.count())) {
            throw new IllegalArgumentException("a batch of " + size + " videos cannot be a part of " + part.count());
        }
    }

    /**
     * A whole batch.
     *
     * @param size the number of videos
     * @param frames the number of frames
     * @param height in pixels
     * @param width in pixels
     * @param channels such as 1 for grey
     * @param values (frames, size, height, width, channels); not copied
     * @throws IllegalArgumentException if {@code values} has another length than the sizes say
     */
    public Batch(int size, int frames, int height, int width, int channels, float[] values) {
        this(size, frames, height, width, channels, values, new BatchPart(0, size, size));
    }

    /**
     * Where the inputs and the targets are in {@code values}.
     *
     * @return offsets and length, in values
     */
    public FrameShift shift() {
        return new FrameShift(frames, size * height * width * channels);
    }
}
