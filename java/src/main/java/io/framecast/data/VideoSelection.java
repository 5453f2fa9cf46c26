package io.framecast.data;

import java.util.Objects;

/**
 * Some of other videos, in any order. Closing it does not close them.
 *
 * @param videos of which some are taken
 * @param indices their indices; not copied
 */
record VideoSelection(Videos videos, int[] indices) implements Videos {

    VideoSelection {
        for (int index : indices) {
            Objects.checkIndex(index, videos.count());
        }
    }

    @Override
    public int count() {
        return indices.length;
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
        return videos.get(indices[index]);
    }

    @Override
    public Video get(int index, int firstFrame, int lastFrame) {
        return videos.get(indices[index], firstFrame, lastFrame);
    }

    @Override
    public void read(int index, int firstFrame, int lastFrame, float[] target, int offset, int frameStride) {
        videos.read(indices[index], firstFrame, lastFrame, target, offset, frameStride);
    }

    @Override
    public Videos ofEpoch(int epoch) {
        return new VideoSelection(videos.ofEpoch(epoch), indices);
    }

    @Override
    public int number(int index) {
        return videos.number(indices[index]);
    }
}
