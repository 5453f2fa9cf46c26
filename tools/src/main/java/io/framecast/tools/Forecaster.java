package io.framecast.tools;

import io.framecast.Count;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.predict.ForecastScores;
import io.framecast.predict.Rollout;
import io.framecast.train.Checkpoint;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;

/** Forecasts for many videos, a few at a time. */
final class Forecaster implements AutoCloseable {

    private static final int BATCH = 10;

    /** @param video the whole video: context, what came after it, and what lies beyond */
    record Forecast(int index, Video video, Video prediction) {
    }

    /** The scores of the model's forecasts and those of repeating the last seen frame. */
    record Evaluation(int context, int frames, ForecastScores.Result model, ForecastScores.Result baseline) {
    }

    private final Rollout rollout;
    private final int context;
    private final int frames;

    Forecaster(Backend backend, Checkpoint checkpoint, int context, int frames) {
        this.rollout = new Rollout(backend, checkpoint.model(), checkpoint.parameters(), BATCH);
        this.context = context;
        this.frames = frames;
    }

    /** How many frames after the context can be compared with the truth; ten at most, as is the custom. */
    static int comparable(Videos videos, String source, int context, Integer frames) {
        int left = videos.frames() - context;
        if (left < 1 || frames != null && frames > left) {
            throw new FramecastException("The videos in " + source + " have " + Count.of(videos.frames(), "frame")
                    + ", too few for a context of " + context + " and "
                    + (frames == null ? "a" : frames.toString()) + " predicted; give a smaller --context"
                    + (frames == null ? "." : " or --frames."));
        }
        return frames == null ? Math.min(10, left) : frames;
    }

    Iterable<Forecast> all(Videos videos) {
        return of(videos, IntStream.range(0, videos.count()).toArray());
    }

    /** The forecasts for the videos with these indices, computed as they are asked for. */
    Iterable<Forecast> of(Videos videos, int[] indices) {
        return () -> new Iterator<>() {
            private final Deque<Forecast> ready = new ArrayDeque<>();
            private int next;

            @Override
            public boolean hasNext() {
                return !ready.isEmpty() || next < indices.length;
            }

            @Override
            public Forecast next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                if (ready.isEmpty()) {
                    int count = Math.min(rollout.batch(), indices.length - next);
                    List<Video> batch = new ArrayList<>();
                    for (int k = 0; k < count; k++) {
                        batch.add(videos.get(indices[next + k]));
                    }
                    List<Video> predictions = rollout.predict(
                            batch.stream().map(video -> video.frames(0, context)).toList(), frames);
                    for (int k = 0; k < count; k++) {
                        ready.add(new Forecast(indices[next + k], batch.get(k), predictions.get(k)));
                    }
                    next += count;
                }
                return ready.remove();
            }
        };
    }

    Evaluation evaluate(Videos videos) {
        ForecastScores model = new ForecastScores();
        ForecastScores baseline = new ForecastScores();
        for (Forecast forecast : all(videos)) {
            Video truth = forecast.video.frames(context, context + frames);
            model.add(truth, forecast.prediction);
            baseline.add(truth, ForecastScores.repeatLastFrame(forecast.video.frames(0, context), frames));
        }
        return new Evaluation(context, frames, model.result(), baseline.result());
    }

    @Override
    public void close() {
        rollout.close();
    }
}
