package io.framecast.data;

import java.util.Objects;

/** A contiguous range of other videos. Closing it does not close them. */
record VideoSlice(Videos videos, int from, int to) implements Videos {

    VideoSlice {
        Objects.checkFromToIndex(from, to, videos.count());
    }

    @Override
    public int count() {
        return to - from;
    }

    @Override
    public int frames() {
        return videos.frames();
    }

    @Override
    public int height() {
        return videos.height();
    }

    @Override
    public int width() {
        return videos.width();
    }

    @Override
    public int channels() {
        return videos.channels();
    }

    @Override
    public Video get(int index) {
        return videos.get(from + Objects.checkIndex(index, count()));
    }

    @Override
    public Video get(int index, int firstFrame, int lastFrame) {
        return videos.get(from + Objects.checkIndex(index, count()), firstFrame, lastFrame);
    }

    @Override
    public void read(int index, int firstFrame, int lastFrame, float[] target, int offset, int frameStride) {
        videos.read(from + Objects.checkIndex(index, count()), firstFrame, lastFrame, target, offset, frameStride);
    }

    @Override
    public Videos ofEpoch(int epoch) {
        return new VideoSlice(videos.ofEpoch(epoch), from, to);
    }

    @Override
    public int number(int index) {
        return videos.number(from + Objects.checkIndex(index, count()));
    }
}
