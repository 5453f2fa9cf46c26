package io.framecast.data;

import java.util.Arrays;
import java.util.List;

/**
 * One video in memory: {@code values} is (frames, height, width, channels), row-major float32, in
 * [0, 1] for images.
 */
public record Video(int frames, int height, int width, int channels, float[] values) {

    public Video {
        long expected = (long) frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException("a video of " + frames + " frames of " + height + "x" + width + "x"
                    + channels + " has " + expected + " values, not " + values.length);
        }
    }

    /** (frames, height, width, channels) */
    public List<Integer> shape() {
        return List.of(frames, height, width, channels);
    }

    /** The number of values in one frame. */
    public int frameSize() {
        return height * width * channels;
    }

    /** The frames {@code from} (inclusive) to {@code to} (exclusive), copied. */
    public Video frames(int from, int to) {
        return new Video(to - from, height, width, channels,
                Arrays.copyOfRange(values, from * frameSize(), to * frameSize()));
    }
}
