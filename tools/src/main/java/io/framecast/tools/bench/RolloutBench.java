package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.nn.ModelConfig;
import io.framecast.predict.Forecaster;
import io.framecast.train.Checkpoint;
import java.util.stream.IntStream;

/** Rollout as {@code predict} makes it: ten frames seen, ten predicted. */
public final class RolloutBench {

    static final int CONTEXT = 10;
    static final int PREDICTED = 10;

    /**
     * @param batch videos at once
     * @param seconds for showing the context and predicting, of all the videos
     */
    public record Figures(int batch, double seconds) {

        /** Predicted frames a second, of all the videos together. */
        double framesPerSecond() {
            return batch * PREDICTED / seconds;
        }
    }

    private RolloutBench() {
    }

    /** The median of at least so many rollouts. */
    static Figures measure(Backend backend, ModelConfig model, int batch, int runs) {
        try (Forecaster rollout = Forecaster.open(backend, Checkpoint.initial(model, 1), batch)) {
            BenchVideos videos = BenchVideos.of(batch, CONTEXT, model.input());
            int[] all = IntStream.range(0, batch).toArray();
            // Where layers look into the future the first frames are computed otherwise than all that follow.
            rollout.forecast(videos, all, CONTEXT, 1, (index, frame, values) -> { });
            return new Figures(batch, Times.median(runs,
                    () -> rollout.forecast(videos, all, CONTEXT, PREDICTED, (index, frame, values) -> { })).seconds());
        }
    }
}
