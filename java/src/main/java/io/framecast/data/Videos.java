package io.framecast.data;

import java.util.List;

/**
 * Videos of one shape, read one at a time. Reading is safe from several threads at once.
 */
public interface Videos extends AutoCloseable {

    int count();

    int frames();

    int height();

    int width();

    int channels();

    /** The values of video {@code index}, as (frames, height, width, channels) float32 in [0, 1]. */
    Video get(int index);

    /** Of video {@code index} the frames {@code from} (inclusive) to {@code to} (exclusive), like {@link #get(int)}. */
    default Video get(int index, int from, int to) {
        return get(index).frames(from, to);
    }

    /** The index that video {@code index} has where these videos are from: in the file, if they are a part of one. */
    default int number(int index) {
        return index;
    }

    /** The number of values in one frame. */
    default int frameSize() {
        return height() * width() * channels();
    }

    /** The videos {@code from} (inclusive) to {@code to} (exclusive) of these; closing it closes nothing. */
    default Videos slice(int from, int to) {
        return new VideoSlice(this, from, to);
    }

    /**
     * Videos in memory.
     *
     * @param values (videos, frames, height, width, channels) float32, row-major, in [0, 1] for images; not copied, so
     *     do not change them while the videos are in use
     * @throws IllegalArgumentException if a size is below one, or {@code values} has another length than the sizes say
     */
    static Videos of(float[] values, int videos, int frames, int height, int width, int channels) {
        return new VideoArray(values, videos, frames, height, width, channels);
    }

    /**
     * Videos in memory, all of one shape. The values are copied.
     *
     * @throws IllegalArgumentException if there are none, or their shapes differ
     */
    static Videos of(List<Video> videos) {
        return VideoArray.of(videos);
    }

    @Override
    default void close() {
    }
}
