package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.data.Video;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Parameters;
import io.framecast.predict.Rollout;
import java.util.List;

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
        try (Rollout rollout = new Rollout(backend, model, Parameters.initial(model, 1), batch)) {
            List<Video> contexts = BenchVideos.videos(batch, CONTEXT, model.input());
            // Where layers look into the future the first frames are computed otherwise than all that follow.
            rollout.predict(contexts, 1);
            return new Figures(batch,
                    Times.median(runs, () -> rollout.predict(contexts, PREDICTED)).seconds());
        }
    }
}
