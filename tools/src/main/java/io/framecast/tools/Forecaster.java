package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.predict.ForecastListener;
import io.framecast.predict.ForecastScores;
import io.framecast.predict.Rollout;
import io.framecast.text.Count;
import io.framecast.train.Checkpoint;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** Forecasts for many videos, a few at a time, in bounded memory whatever their length. */
final class Forecaster implements AutoCloseable {

    private static final int MOST_AT_ONCE = 10;
    /** What videos that are forecast together may take, in float32 values (256 MB). */
    private static final long MOST_VALUES = 1L << 26;
    /** Gates, cell, state and their convolutions' results: about so many values for each that a layer puts out. */
    private static final int LAYER_VALUES = 6;

    /** The scores of the model's forecasts and those of repeating the last seen frame. */
    record Evaluation(int context, int frames, ForecastScores.Result model, ForecastScores.Result baseline) {
    }

    private final Rollout rollout;
    private final int context;
    private final int frames;

    /** @param held how many forecast frames of a video are kept until all of them are there */
    Forecaster(Backend backend, Checkpoint checkpoint, int context, int frames, int held) {
        this.rollout = new Rollout(backend, checkpoint.model(), checkpoint.parameters(),
                atOnce(checkpoint.model(), held));
        this.context = context;
        this.frames = frames;
    }

    /** How many videos to forecast together: ten, or fewer where they are large or the heap is small. */
    static int atOnce(ModelConfig model, int held) {
        long layers = model.shapes().stream().mapToLong(FrameShape::size).sum();
        long kept = (long) held * model.input().size();
        long onHeap = Runtime.getRuntime().maxMemory() / 4 / Float.BYTES;
        return (int) Math.max(1, Math.min(MOST_AT_ONCE,
                Math.min(MOST_VALUES / (LAYER_VALUES * layers + kept), onHeap / Math.max(1, kept))));
    }

    int context() {
        return context;
    }

    int frames() {
        return frames;
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

    /** Forecasts the videos with these indices. */
    void predict(Videos videos, int[] indices, ForecastListener to) {
        rollout.predict(videos, indices, context, frames, to);
    }

    Evaluation evaluate(Videos videos) {
        ForecastScores model = new ForecastScores(frames);
        ForecastScores baseline = new ForecastScores(frames);
        Map<Integer, Video> lastSeen = new HashMap<>();
        predict(videos, IntStream.range(0, videos.count()).toArray(), (index, frame, values) -> {
            Video truth = videos.get(index, context + frame, context + frame + 1);
            Video last = lastSeen.computeIfAbsent(index, k -> videos.get(k, context - 1, context));
            model.add(frame, truth, new Video(1, truth.height(), truth.width(), truth.channels(), values));
            baseline.add(frame, truth, last);
            if (frame == frames - 1) {
                lastSeen.remove(index);
            }
        });
        return new Evaluation(context, frames, model.result(), baseline.result());
    }

    @Override
    public void close() {
        rollout.close();
    }
}
