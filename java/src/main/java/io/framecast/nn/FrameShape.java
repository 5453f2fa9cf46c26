package io.framecast.nn;

/** The shape of one frame, channels last. */
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
