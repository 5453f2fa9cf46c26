package io.framecast.nn;

/**
 * The shape of one frame, channels last.
 *
 * @param height rows
 * @param width columns
 * @param channels values of a pixel
 */
public record FrameShape(int height, int width, int channels) {

    /**
     * The number of values in one frame.
     *
     * @return height * width * channels
     */
    public int size() {
        return height * width * channels;
    }

    @Override
    public String toString() {
        return height + "x" + width + "x" + channels;
    }
}
