package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.nn.Network;
import io.framecast.train.Checkpoint;
import java.util.Arrays;

/**
 * Gives videos to a network batch after batch and frame by frame, so that only one frame of each video is in memory.
 * Predicted frames are collected on the device and passed to the listener in blocks, with one transfer per block.
 */
final class VideoFeed implements AutoCloseable {

    private static final int MOST_KEPT_FRAMES = 16;
    /** The limit for the block of predictions on the device, in float32 values (16 MB). */
    private static final int MOST_KEPT_VALUES = 1 << 22;

    private final Network network;
    private final int batch;
    private final int size;
    /** One frame of each video, (batch, height, width, channels). */
    private final Tensor input;
    /** The block of predictions, (kept frames, batch, height, width, channels). */
    private final Tensor predictions;
    private final int mostKept;
    private Videos videos;
    private int[] group;
    private ForecastListener listener;
    /** How many frames were predicted, and how many of them were passed to the listener. */
    private int predicted;
    private int given;

    /** @param batch the largest batch */
    VideoFeed(Backend backend, Checkpoint checkpoint, int batch) {
        this.batch = batch;
        size = checkpoint.model().input().size();
        mostKept = (int) Math.max(1, Math.min(MOST_KEPT_FRAMES, MOST_KEPT_VALUES / ((long) batch * size)));
        network = Network.forInference(backend, checkpoint.model(), 1, batch);
        try {
            network.parameters().set(checkpoint.parameters());
            input = backend.tensor((long) batch * size);
            try {
                predictions = backend.tensor((long) mostKept * batch * size);
            } catch (RuntimeException e) {
                input.close();
                throw e;
            }
        } catch (RuntimeException e) {
            network.close();
            throw e;
        }
    }

    /** Runs {@code forecast} once for each batch of the videos with these indices. */
    void inGroups(Videos all, int[] indices, ForecastListener to, Runnable forecast) {
        videos = all;
        listener = to;
        for (int from = 0; from < indices.length; from += batch) {
            group = Arrays.copyOfRange(indices, from, Math.min(indices.length, from + batch));
            predicted = 0;
            given = 0;
            network.begin();
            forecast.run();
            handOn();
        }
    }

    /** Gives frame {@code t} of the batch to the network, and returns the prediction of the next frame. */
    Tensor step(int t) {
        load(t);
        return network.step(input, group.length);
    }

    /** As {@link #step(int)}, but returns all output frames that this frame adds or changes. */
    Tensor stepTail(int t) {
        load(t);
        return network.stepTail(input, group.length);
    }

    /** Gives the newest prediction that was {@link #keep kept} to the network as the next frame. */
    Tensor stepOnPrediction() {
        return network.step(predictions.slice(place(predicted - 1), frameSize()), group.length);
    }

    private void load(int t) {
        float[] values = new float[group.length * size];
        for (int k = 0; k < group.length; k++) {
            Video frame = videos.get(group[k], t, t + 1);
            if (frame.values().length != size) {
                throw new IllegalArgumentException("frame " + t + " of video " + group[k] + " has "
                        + frame.values().length + " values, not " + size);
            }
            System.arraycopy(frame.values(), 0, values, k * size, size);
        }
        input.write(0, values, 0, values.length);
    }

    /**
     * Appends the next predicted frame of each video of the batch to the block.
     *
     * @param frames (batch, height, width, channels), on the device
     */
    void keep(Tensor frames) {
        frames.copyTo(0, predictions, place(predicted), frameSize());
        predicted++;
        if (predicted - given == mostKept) {
            handOn();
        }
    }

    /** Copies the block of predictions to the host, and passes them to the listener if they are finite. */
    private void handOn() {
        int frames = predicted - given;
        float[] values = new float[frames * group.length * size];
        predictions.read(place(given), values, 0, values.length);
        for (int from = 0; from < values.length; from += size) {
            int k = from / size % group.length;
            give(k, given + from / size / group.length, Arrays.copyOfRange(values, from, from + size));
        }
        given = predicted;
    }

    private void give(int k, int frame, float[] values) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new NotFiniteException(videos.number(group[k]), frame + 1);
            }
        }
        listener.forecast(group[k], frame, values);
    }

    /**
     * The offset of a prediction in the block. When the block is full all of it is passed on, and the next frame goes
     * to the start.
     */
    private long place(int frame) {
        return frame % mostKept * frameSize();
    }

    /** The number of values of one frame of the whole batch. */
    private long frameSize() {
        return (long) group.length * size;
    }

    @Override
    public void close() {
        predictions.close();
        input.close();
        network.close();
    }
}
