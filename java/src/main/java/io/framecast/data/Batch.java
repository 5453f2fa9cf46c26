package io.framecast.data;

/** Several videos of one shape: {@code values} is (frames, size, height, width, channels), time-major float32. */
public record Batch(int size, int frames, int height, int width, int channels, float[] values) {

    public Batch {
        long expected = (long) size * frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException("a batch of " + size + " videos of " + frames + " frames of " + height
                    + "x" + width + "x" + channels + " has " + expected + " values, not " + values.length);
        }
    }

    /** Where the inputs and the targets are in {@code values}. */
    public FrameShift shift() {
        return new FrameShift(frames, size * height * width * channels);
    }
}
