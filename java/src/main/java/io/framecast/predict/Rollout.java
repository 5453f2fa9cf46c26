package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Videos;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import java.util.Map;

/**
 * Draws the frames that come next: shows the network the frames of the context one by one, then feeds each prediction
 * back as the next frame, as it is. The state is carried, so that n frames cost n steps; the result is that of running
 * the network on the whole growing sequence each time.
 */
public final class Rollout implements AutoCloseable {

    private final VideoFeed feed;

    /** @param batch the most videos to roll out at once */
    public Rollout(Backend backend, ModelConfig model, Map<String, HostTensor> parameters, int batch) {
        feed = new VideoFeed(backend, model, parameters, batch);
    }

    /**
     * Predicts {@code frames} frames from the first {@code context} of the videos with these indices. No more than a
     * frame of each video is held at a time, and no other frames are read.
     *
     * @param videos of the model's shape
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public void predict(Videos videos, int[] indices, int context, int frames, ForecastListener to) {
        feed.inGroups(videos, indices, () -> {
            Tensor next = null;
            for (int t = 0; t < context; t++) {
                next = feed.network.step(feed.frame(t), feed.count());
            }
            for (int t = 0; t < frames; t++) {
                if (t > 0) {
                    next = feed.network.step(feed.copied(next), feed.count());
                }
                feed.give(next, t, to);
            }
        });
    }

    @Override
    public void close() {
        feed.close();
    }
}
