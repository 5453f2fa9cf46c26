package io.framecast.predict;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.data.BatchPart;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.train.Checkpoint;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/**
 * Predicts the next frames of videos (rollout). The network is given the frames of the context one by one, then each of
 * its predictions, unchanged, as the next frame. The state of the layers is carried from step to step, so that n frames
 * cost n steps; the result equals that of running the network on the whole growing sequence each time.
 *
 * <p>Values are float32, in [0, 1] for images. Not thread-safe. It uses the backend, which the caller closes after it.
 * Its memory does not grow with the length of the videos.
 */
public final class Forecaster implements AutoCloseable {

    private static final int MOST_AT_ONCE = 10;
    /** The limit for the videos of one batch, in float32 values (256 MB). */
    private static final long MOST_VALUES = 1L << 26;
    /** Values that a layer needs per output value: gates, cell, state and results of convolutions, roughly. */
    private static final int LAYER_VALUES = 6;

    /**
     * The scores of forecasts.
     *
     * @param context how many frames of each video the model was given
     * @param frames how many it predicted
     * @param model the scores of its forecasts
     * @param baseline the scores of repeating the last frame of the context
     */
    public record Evaluation(int context, int frames, ForecastScores.Result model, ForecastScores.Result baseline) {
    }

    private final Checkpoint checkpoint;
    private final FrameShape shape;
    private final VideoFeed feed;
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile boolean closed;

    private Forecaster(Backend backend, Checkpoint checkpoint, int atOnce) {
        checkpoint.model().requireFramesToFrames();
        this.checkpoint = checkpoint;
        shape = checkpoint.model().input();
        feed = new VideoFeed(backend, checkpoint, atOnce);
    }

    /**
     * Creates a model's network on a device. The batch size follows from {@link #videosAtOnce}.
     *
     * @param backend the device
     * @param checkpoint the model and its parameters
     * @return a forecaster, for the caller to close
     * @throws FramecastException if the model's output frames do not have the shape of its input frames, or there is
     *     not enough memory
     */
    public static Forecaster open(Backend backend, Checkpoint checkpoint) {
        return open(backend, checkpoint, videosAtOnce(checkpoint.model(), 1));
    }

    /**
     * As {@link #open(Backend, Checkpoint)}, with a given batch size.
     *
     * @param backend the device
     * @param checkpoint the model and its parameters
     * @param videosAtOnce the batch size, at least 1; more videos are forecast batch after batch
     * @return a forecaster, for the caller to close
     * @throws IllegalArgumentException if the batch size is below 1
     */
    public static Forecaster open(Backend backend, Checkpoint checkpoint, int videosAtOnce) {
        if (videosAtOnce < 1) {
            throw new IllegalArgumentException(videosAtOnce + " videos at once; it must be at least 1");
        }
        return new Forecaster(backend, checkpoint, videosAtOnce);
    }

    /**
     * {@return the batch size for forecasts: ten, or less if the videos are large or the heap is small}
     *
     * @param model the layers and the shape of the frames
     * @param kept how many frames of each forecast the listener keeps in the heap at once
     */
    public static int videosAtOnce(ModelConfig model, int kept) {
        long layers = model.shapes().stream().mapToLong(FrameShape::size).sum();
        long values = (long) kept * model.input().size();
        long onHeap = Runtime.getRuntime().maxMemory() / 4 / Float.BYTES;
        return (int) Math.max(1, Math.min(MOST_AT_ONCE,
                Math.min(MOST_VALUES / (LAYER_VALUES * layers + values), onHeap / Math.max(1, values))));
    }

    /** {@return the shape of the frames that the model takes and predicts} */
    public FrameShape frameShape() {
        return shape;
    }

    /**
     * Forecasts one video.
     *
     * @param context its first frames, (frames, height, width, channels), in [0, 1]; at least one frame, of the model's
     *     shape
     * @param frames how many to predict, at least 1
     * @return the predicted frames, each (height, width, channels)
     * @throws IllegalArgumentException if the number of values does not fit the model's frames, or a value is not in
     *     [0, 1]
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public float[][] forecast(float[] context, int frames) {
        if (context.length == 0 || context.length % shape.size() != 0) {
            throw new IllegalArgumentException(context.length + " values are no whole frames: a frame of " + shape
                    + " has " + shape.size());
        }
        for (int i = 0; i < context.length; i++) {
            if (!(context[i] >= 0 && context[i] <= 1)) {
                throw new IllegalArgumentException("value " + i + " of the context is " + context[i]
                        + "; values must be from 0 to 1");
            }
        }
        int seen = context.length / shape.size();
        float[][] forecast = new float[Math.max(0, frames)][];
        forecast(Videos.of(context, 1, seen, shape.height(), shape.width(), shape.channels()), new int[1], seen, frames,
                (index, frame, values) -> forecast[frame] = values);
        return forecast;
    }

    /**
     * Forecasts one video of images: converted to grey for a model of one channel, in RGB for a model of three.
     *
     * @param context its first frames, of the model's height and width; at least one
     * @param frames how many to predict, at least 1
     * @return the predicted frames, with 8 bits per channel; values outside [0, 1] are clipped
     * @throws IllegalArgumentException if an image has another size, or the model has neither 1 nor 3 channels
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public List<BufferedImage> forecast(List<BufferedImage> context, int frames) {
        return Arrays.stream(forecast(Images.values(context, shape), frames))
                .map(values -> Images.image(values, shape)).toList();
    }

    /**
     * Forecasts the videos with the given indices. Only the frames of the context are read.
     *
     * @param videos of the model's frames
     * @param indices of those that are forecast
     * @param context how many frames of each the model is given, at least 1 and at most the length of the videos
     * @param frames how many to predict, at least 1
     * @param to is given the predictions
     * @throws IllegalArgumentException if the videos' frames have another shape, or the context is longer than the
     *     videos
     * @throws IndexOutOfBoundsException if there is no video of an index
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public void forecast(Videos videos, int[] indices, int context, int frames, ForecastListener to) {
        requireVideos(videos, indices);
        if (context < 1 || context > videos.frames()) {
            throw new IllegalArgumentException("a context of " + context + " frames in videos of " + videos.frames());
        }
        if (frames < 1) {
            throw new IllegalArgumentException(frames + " frames to predict; it must be at least 1");
        }
        inGroups(videos, indices, to, () -> {
            Tensor next = null;
            for (int t = 0; t < context; t++) {
                next = feed.step(t);
            }
            feed.keep(next);
            for (int t = 1; t < frames; t++) {
                feed.keep(feed.stepOnPrediction());
            }
        });
    }

    /**
     * One-step predictions (teacher forcing): the network is given all true frames. Frame t that {@code to} receives is
     * the prediction of frame t+1.
     *
     * @param videos of the model's frames
     * @param indices of the videos to use
     * @param to receives the predictions, as many as a video has frames
     * @throws IllegalArgumentException if the videos' frames are of another shape
     * @throws IndexOutOfBoundsException if there is no video of an index
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public void forecastEachFrame(Videos videos, int[] indices, ForecastListener to) {
        requireVideos(videos, indices);
        int futureReach = checkpoint.model().futureReach();
        int last = videos.frames() - 1;
        inGroups(videos, indices, to, () -> {
            for (int t = 0; t <= last; t++) {
                Tensor tail = feed.stepTail(t);
                // A non-causal layer emits its last futureReach frames again, until they are final.
                int first = Math.max(0, t - futureReach);
                int settled = t == last ? last : t - futureReach;
                long frame = tail.size() / (t - first + 1);
                for (int k = first; k <= settled; k++) {
                    feed.keep(tail.slice((k - first) * frame, frame));
                }
            }
        });
    }

    /**
     * Forecasts videos, and scores the forecasts and the baseline (repeating the last frame of the context) against the
     * true frames.
     *
     * @param videos of the model's frames, at least one
     * @param context how many frames of each the model is given, at least 1
     * @param frames how many to predict, at least 1 and at most the number of frames after the context
     * @return the scores
     * @throws IllegalArgumentException if the videos' frames have another shape, or the videos are too short
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public Evaluation evaluate(Videos videos, int context, int frames) {
        return evaluate(videos, context, frames, ProcessGroup.SINGLE);
    }

    /**
     * The same by several processes, which share the videos. All must call this with the same arguments; all get the
     * scores of all videos.
     *
     * @param videos of the model's frames, at least one
     * @param context how many frames of each the model is given, at least 1
     * @param frames how many to predict, at least 1 and at most the number of frames after the context
     * @param group the processes
     * @return the scores
     * @throws IllegalArgumentException if the videos' frames have another shape, or the videos are too short
     * @throws NotFiniteException if a prediction of this process has NaN or infinite values
     */
    public Evaluation evaluate(Videos videos, int context, int frames, ProcessGroup group) {
        if (videos.count() == 0 || frames < 1 || (long) context + frames > videos.frames()) {
            throw new IllegalArgumentException(videos.count() + " videos of " + videos.frames()
                    + " frames have not " + context + " frames and " + frames + " that follow");
        }
        ForecastScores model = new ForecastScores(frames);
        ForecastScores baseline = new ForecastScores(frames);
        Map<Integer, Video> lastSeen = new HashMap<>();
        BatchPart own = BatchPart.of(videos.count(), group.rank(), group.size());
        int[] indices = IntStream.range(own.first(), own.first() + own.count()).toArray();
        forecast(videos, indices, context, frames, (index, frame, values) -> {
            Video truth = videos.get(index, context + frame, context + frame + 1);
            Video last = lastSeen.computeIfAbsent(index, k -> videos.get(k, context - 1, context));
            model.add(frame, truth, new Video(1, truth.height(), truth.width(), truth.channels(), values));
            baseline.add(frame, truth, last);
            if (frame == frames - 1) {
                lastSeen.remove(index);
            }
        });
        model.addOthers(group);
        baseline.addOthers(group);
        return new Evaluation(context, frames, model.result(), baseline.result());
    }

    /** One forecast at a time: a listener or another thread that asks for one would change the state of this one. */
    private void inGroups(Videos videos, int[] indices, ForecastListener to, Runnable forecast) {
        if (!running.compareAndSet(false, true)) {
            throw new IllegalStateException("the forecaster is busy with another forecast");
        }
        try {
            feed.inGroups(videos, indices, to, forecast);
        } finally {
            running.set(false);
        }
    }

    private void requireVideos(Videos videos, int[] indices) {
        if (closed) {
            throw new IllegalStateException("the forecaster is closed");
        }
        checkpoint.requireFrames(videos);
        for (int index : indices) {
            Objects.checkIndex(index, videos.count());
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            feed.close();
        }
    }
}
