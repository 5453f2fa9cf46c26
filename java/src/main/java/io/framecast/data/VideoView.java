package io.framecast.data;

import java.util.Objects;

/**
 * Some of other videos, in any order, and a range of their frames. Closing it does not close them.
 *
 * @param videos of which some are taken
 * @param indices their indices; not copied
 * @param first the first frame that is taken
 * @param frames how many frames are taken
 */
record VideoView(Videos videos, int[] indices, int first, int frames) implements Videos {

    VideoView {
        for (int index : indices) {
            Objects.checkIndex(index, videos.count());
        }
        Objects.checkFromIndexSize(first, frames, videos.frames());
    }

    @Override
    public int count() {
        return indices.length;
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
        return get(index, 0, frames);
    }

    @Override
    public Video get(int index, int from, int to) {
        Objects.checkFromToIndex(from, to, frames);
        return videos.get(indices[index], first + from, first + to);
    }

    @Override
    public void read(int index, int from, int to, float[] target, int offset, int frameStride) {
        Objects.checkFromToIndex(from, to, frames);
        videos.read(indices[index], first + from, first + to, target, offset, frameStride);
    }

    @Override
    public Videos ofEpoch(int epoch) {
        return new VideoView(videos.ofEpoch(epoch), indices, first, frames);
    }

    @Override
    public int number(int index) {
        return videos.number(indices[index]);
    }
}
