package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Videos;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import java.util.Map;

/** One-step predictions: what the network answers to each frame of a video when it is shown the whole video. */
public final class TeacherForcing implements AutoCloseable {

    private final VideoFeed feed;
    private final int futureReach;
    private final int size;

    /** @param batch the most videos to predict at once */
    public TeacherForcing(Backend backend, ModelConfig model, Map<String, HostTensor> parameters, int batch) {
        feed = new VideoFeed(backend, model, parameters, batch);
        futureReach = model.futureReach();
        size = model.output().size();
    }

    /**
     * The network's output on the whole of the videos with these indices: frame t is the prediction of frame t+1. No
     * more than a few frames of each video are held at a time.
     *
     * @param videos of the model's shape
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public void predict(Videos videos, int[] indices, ForecastListener to) {
        feed.inGroups(videos, indices, () -> {
            long step = (long) feed.count() * size;
            int last = videos.frames() - 1;
            for (int t = 0; t <= last; t++) {
                Tensor tail = feed.network.stepTail(feed.frame(t), feed.count());
                // What a layer that looks into the future makes of a frame is settled only so many frames later.
                int first = Math.max(0, t - futureReach);
                int settled = t == last ? last : t - futureReach;
                for (int k = first; k <= settled; k++) {
                    feed.give(tail.slice((k - first) * step, step), k, to);
                }
            }
        });
    }

    @Override
    public void close() {
        feed.close();
    }
}
