package io.framecast.data;

import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Videos of one shape, read one at a time. Reading is safe from several threads at once.
 */
public interface Videos extends AutoCloseable {

    /**
     * The number of videos.
     *
     * @return at least 1, but 0 for an empty slice
     */
    int count();

    /**
     * The number of frames of each video.
     *
     * @return at least 1
     */
    int frames();

    /**
     * The height of frames.
     *
     * @return pixels
     */
    int height();

    /**
     * The width of frames.
     *
     * @return pixels
     */
    int width();

    /**
     * The number of channels of each frame.
     *
     * @return 1 for grey
     */
    int channels();

    /**
     * The values of video {@code index}, as (frames, height, width, channels) float32 in [0, 1].
     *
     * @param index the video, from 0
     * @return a copy of the values
     */
    Video get(int index);

    /**
     * The frames {@code from} (inclusive) to {@code to} (exclusive) of video {@code index}, like {@link #get(int)}.
     *
     * @param index the video, from 0
     * @param from the first frame
     * @param to the frame after the last
     * @return a copy of the values
     */
    default Video get(int index, int from, int to) {
        return get(index).frames(from, to);
    }

    /**
     * Reads frames {@code from} (inclusive) to {@code to} (exclusive) of video {@code index} into an array: frame
     * {@code from + t} begins at {@code target[offset + t * frameStride]}.
     *
     * @param index the video, from 0
     * @param from the first frame
     * @param to the frame after the last
     * @param target receives the values
     * @param offset the index in {@code target} where frame {@code from} begins
     * @param frameStride the distance between frames in {@code target}, in values; at least {@link #frameSize}
     */
    default void read(int index, int from, int to, float[] target, int offset, int frameStride) {
        float[] values = get(index, from, to).values();
        for (int t = 0; t < to - from; t++) {
            System.arraycopy(values, t * frameSize(), target, offset + t * frameStride, frameSize());
        }
    }

    /**
     * The index of video {@code index} in the source of these videos, such as the file that they are a slice of.
     *
     * @param index the video, from 0
     * @return the index in the source
     */
    default int number(int index) {
        return index;
    }

    /**
     * The videos to train with in an epoch. Generated videos may be new ones in every epoch; others stay the same.
     *
     * @param epoch from 0; the videos of epoch 0 are these
     * @return as many videos, of the same shape
     */
    default Videos ofEpoch(int epoch) {
        return this;
    }

    /**
     * The number of values in one frame.
     *
     * @return height * width * channels
     */
    default int frameSize() {
        return height() * width() * channels();
    }

    /**
     * The videos {@code from} (inclusive) to {@code to} (exclusive). Closing the slice does not close these videos.
     *
     * @param from the first video
     * @param to the video after the last
     * @return a view: no video is read or copied
     */
    default Videos slice(int from, int to) {
        Objects.checkFromToIndex(from, to, count());
        return select(IntStream.range(from, to).toArray());
    }

    /**
     * Some of these videos. Closing the selection does not close these videos.
     *
     * @param indices the videos, in any order; not copied
     * @return a view: no video is read or copied
     */
    default Videos select(int... indices) {
        return new VideoView(this, indices, 0, frames());
    }

    /**
     * The last frames of each of these videos. Closing the view does not close these videos.
     *
     * @param count how many frames, at most {@link #frames}
     * @return a view: no video is read or copied
     */
    default Videos lastFrames(int count) {
        return new VideoView(this, IntStream.range(0, count()).toArray(), frames() - count, count);
    }

    /**
     * Videos in memory.
     *
     * @param values (videos, frames, height, width, channels) float32, row-major, in [0, 1]; not copied, so do not
     *     change them while the videos are in use
     * @param videos the number of videos
     * @param frames the frames of each video
     * @param height in pixels
     * @param width in pixels
     * @param channels such as 1 for grey, 3 for colours
     * @return the videos
     * @throws IllegalArgumentException if a size is below one, {@code values} has another length than the sizes say, or
     *     a value is not in [0, 1]
     */
    static Videos of(float[] values, int videos, int frames, int height, int width, int channels) {
        return new VideoArray(values, videos, frames, height, width, channels);
    }

    /**
     * Videos in memory, all of one shape. The values are copied.
     *
     * @param videos the number of videos
     * @return the videos
     * @throws IllegalArgumentException if there are none, their shapes differ, or a value is not in [0, 1]
     */
    static Videos of(List<Video> videos) {
        return VideoArray.of(videos);
    }

    /** Closes the file that the videos are read from, if there is one. */
    @Override
    default void close() {
    }
}
