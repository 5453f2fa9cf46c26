package io.framecast.data;

import java.util.Arrays;
import java.util.Objects;

/** Videos in one array, (videos, frames, height, width, channels). */
record VideoArray(float[] values, int count, int frames, int height, int width, int channels) implements Videos {

    VideoArray {
        long expected = (long) count * frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException(count + " videos of " + frames + " frames of " + height + "x" + width
                    + "x" + channels + " have " + expected + " values, not " + values.length);
        }
    }

    @Override
    public Video get(int index) {
        return get(index, 0, frames);
    }

    @Override
    public Video get(int index, int from, int to) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        int video = index * frames;
        return new Video(to - from, height, width, channels,
                Arrays.copyOfRange(values, (video + from) * frameSize(), (video + to) * frameSize()));
    }
}
