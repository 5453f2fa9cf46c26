package io.framecast.nn;

/** The shape of one frame, channels last. */
public record FrameShape(int height, int width, int channels) {

    public int size() {
        return height * width * channels;
    }

    @Override
    public String toString() {
        return height + "x" + width + "x" + channels;
    }
}
