package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.nn.ModelConfig;
import io.framecast.predict.Forecaster;
import io.framecast.train.Checkpoint;
import java.util.stream.IntStream;

/** Measures rollout, as {@code predict} does it: a context of ten frames, and ten predicted frames. */
public final class RolloutBench {

    static final int CONTEXT = 10;
    static final int PREDICTED = 10;

    /**
     * @param batch videos per batch
     * @param seconds for the context and the predictions of all videos
     */
    public record Figures(int batch, double seconds) {

        /** Predicted frames per second, of all videos together. */
        public double framesPerSecond() {
            return batch * PREDICTED / seconds;
        }
    }

    private RolloutBench() {
    }

    /** The median of at least {@code runs} rollouts. */
    static Figures measure(Backend backend, ModelConfig model, int batch, int runs) {
        try (Forecaster rollout = Forecaster.open(backend, Checkpoint.initial(model, 1), batch)) {
            BenchVideos videos = BenchVideos.of(batch, CONTEXT, model.input());
            int[] all = IntStream.range(0, batch).toArray();
            // Warm-up: with non-causal layers, the first frames run other code than the following frames.
            rollout.forecast(videos, all, CONTEXT, 1, (index, frame, values) -> { });
            return new Figures(batch, Times.median(runs,
                    () -> rollout.forecast(videos, all, CONTEXT, PREDICTED, (index, frame, values) -> { })).seconds());
        }
    }
}
