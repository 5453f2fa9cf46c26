package io.framecast.backend.guard;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The shape of one frame. */
record FrameSize(int height, int width, int channels) {

    long values() {
        return (long) height * width * channels;
    }

    @Override
    public String toString() {
        return text(height, width, channels);
    }

    /** Such as "64 x 64 x 1". */
    static String text(int... sizes) {
        return Arrays.stream(sizes).mapToObj(Integer::toString).collect(Collectors.joining(" x "));
    }
}
