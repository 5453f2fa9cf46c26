package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Videos;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import java.util.Arrays;
import java.util.Map;

/**
 * Feeds videos to a network, a batch at a time and frame by frame, so that no more than a frame of each is held however
 * long they are; and hands on what the network makes of them, if it is finite.
 */
final class VideoFeed implements AutoCloseable {

    final Network network;
    private final int batch;
    private final int size;
    private final Tensor input;
    private Videos videos;
    private int[] group;

    /** @param batch the most videos to feed at once */
    VideoFeed(Backend backend, ModelConfig model, Map<String, HostTensor> parameters, int batch) {
        model.requireFramesToFrames();
        this.batch = batch;
        size = model.input().size();
        network = Network.forInference(backend, model, 1, batch);
        network.parameters().set(parameters);
        input = backend.tensor((long) batch * size);
    }

    /** Runs {@code forecast} for one group of the videos with these indices after the other. */
    void inGroups(Videos all, int[] indices, Runnable forecast) {
        videos = all;
        for (int from = 0; from < indices.length; from += batch) {
            group = Arrays.copyOfRange(indices, from, Math.min(indices.length, from + batch));
            network.begin();
            forecast.run();
        }
    }

    /** The number of videos in this group. */
    int count() {
        return group.length;
    }

    /** Frame {@code t} of the videos of this group, (count, height, width, channels). */
    Tensor frame(int t) {
        for (int k = 0; k < group.length; k++) {
            input.write((long) k * size, videos.get(group[k], t, t + 1).values(), 0, size);
        }
        return input;
    }

    /**
     * Hands on frame {@code t} of the forecasts of this group.
     *
     * @param frames (count, height, width, channels)
     */
    void give(Tensor frames, int t, ForecastListener to) {
        for (int k = 0; k < group.length; k++) {
            float[] values = new float[size];
            frames.read((long) k * size, values, 0, size);
            for (float value : values) {
                if (!Float.isFinite(value)) {
                    throw new NotFiniteException(videos.number(group[k]), t + 1);
                }
            }
            to.forecast(group[k], t, values);
        }
    }

    /** The input that holds these frames, which may be part of what the network made. */
    Tensor copied(Tensor frames) {
        frames.copyTo(0, input, 0, (long) group.length * size);
        return input;
    }

    @Override
    public void close() {
        input.close();
        network.close();
    }
}
