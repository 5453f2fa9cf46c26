package io.framecast.video;

/** Takes the frames of a video, one after the other, and replaces what was there when all are written. */
public interface FrameWriter extends AutoCloseable {

    /**
     * Takes the next frame.
     *
     * @param values (height, width, channels) in [0, 1]; others are clipped
     * @throws io.framecast.FramecastException if it cannot be written
     */
    void write(float[] values);

    /**
     * Completes the video, and puts it in its place.
     *
     * @throws io.framecast.FramecastException if it cannot be written; what was there before is untouched
     * @throws IllegalStateException if there was no frame
     */
    void finish();

    /** Frees memory, and deletes what is unfinished. */
    @Override
    void close();

    /**
     * Makes uint8 of values in [0, 1], and clips others.
     *
     * @param values (height, width, channels)
     * @param channels of these; of other numbers than 3 the first one is taken
     * @param pixels receives (height, width, 1), or 3 for 3
     */
    static void toBytes(float[] values, int channels, byte[] pixels) {
        int step = channels == 3 ? 1 : channels;
        for (int k = 0; k < pixels.length; k++) {
            pixels[k] = (byte) Math.round(255 * Math.max(0, Math.min(1, values[k * step])));
        }
    }
}
