package io.framecast.data;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Videos in one array, (count, frames, height, width, channels). */
record VideoArray(float[] values, int count, int frames, int height, int width, int channels) implements Videos {

    VideoArray {
        if (count < 1 || frames < 1 || height < 1 || width < 1 || channels < 1) {
            throw new IllegalArgumentException("every size of videos must be at least 1, not " + Arrays.toString(
                    new int[] {count, frames, height, width, channels}));
        }
        // As double: the product of five ints can be larger than a long.
        double expected = (double) count * frames * height * width * channels;
        if (values.length != expected) {
            throw new IllegalArgumentException(count + " videos of " + frames + " frames of " + height + "x" + width
                    + "x" + channels + " have " + (long) expected + " values, not " + values.length);
        }
        for (int i = 0; i < values.length; i++) {
            if (!(values[i] >= 0 && values[i] <= 1)) {
                int frame = i / (height * width * channels);
                throw new IllegalArgumentException("video " + frame / frames + " has the value " + values[i]
                        + " in frame " + frame % frames + "; values must be from 0 to 1");
            }
        }
    }

    static VideoArray of(List<Video> videos) {
        if (videos.isEmpty()) {
            throw new IllegalArgumentException("there are no videos in the list");
        }
        Video first = videos.get(0);
        int size = first.values().length;
        float[] values = new float[Math.multiplyExact(videos.size(), size)];
        for (int k = 0; k < videos.size(); k++) {
            Video video = videos.get(k);
            if (!video.shape().equals(first.shape())) {
                throw new IllegalArgumentException("video " + k + " has the shape " + video.shape() + ", but video 0 "
                        + first.shape());
            }
            System.arraycopy(video.values(), 0, values, k * size, size);
        }
        return new VideoArray(values, videos.size(), first.frames(), first.height(), first.width(), first.channels());
    }

    @Override
    public Video get(int index) {
        return get(index, 0, frames);
    }

    @Override
    public Video get(int index, int from, int to) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        int first = index * frames;
        return new Video(to - from, height, width, channels,
                Arrays.copyOfRange(values, (first + from) * frameSize(), (first + to) * frameSize()));
    }

    @Override
    public void read(int index, int from, int to, float[] target, int offset, int frameStride) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        for (int t = from; t < to; t++) {
            System.arraycopy(values, (index * frames + t) * frameSize(), target, offset + (t - from) * frameStride,
                    frameSize());
        }
    }
}
