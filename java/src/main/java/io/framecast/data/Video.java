package io.framecast.data;

import java.util.Arrays;
import java.util.List;

/**
 * One video in memory: {@code values} is (frames, height, width, channels), row-major float32, in
 * [0, 1] for images.
 *
 * @param frames the number of frames
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param values (frames, height, width, channels)
 */
public record Video(int frames, int height, int width, int channels, float[] values) {

    /**
     * Checks the number of values.
     *
     * @param frames the number of frames
     * @param height in pixels
     * @param width in pixels
     * @param channels such as 1 for grey
     * @param values (frames, height, width, channels); not copied
     * @throws IllegalArgumentException if {@code values} has another length than the sizes say
     */
    public Video {
        long expected = (long) frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException("a video of " + frames + " frames of " + height + "x" + width + "x"
                    + channels + " has " + expected + " values, not " + values.length);
        }
    }

    /**
     * (frames, height, width, channels)
     *
     * @return (frames, height, width, channels)
     */
    public List<Integer> shape() {
        return List.of(frames, height, width, channels);
    }

    /**
     * The number of values in one frame.
     *
     * @return height * width * channels
     */
    public int frameSize() {
        return height * width * channels;
    }

    /**
     * The frames {@code from} (inclusive) to {@code to} (exclusive), copied.
     *
     * @param from the first frame
     * @param to the frame after the last
     * @return a new video
     */
    public Video frames(int from, int to) {
        return new Video(to - from, height, width, channels,
                Arrays.copyOfRange(values, from * frameSize(), to * frameSize()));
    }
}
