package io.framecast.predict;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
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
import java.util.stream.IntStream;

/**
 * Draws the frames that come next. A forecast shows the network the frames of the context one by one, then feeds each
 * prediction back as the next frame, as it is. The state is carried, so that n frames cost n steps; the result is that
 * of running the network on the whole growing sequence each time.
 *
 * <p>Values are float32, in [0, 1] for images. For one thread at a time; it uses the backend, which stays the caller's,
 * until it is closed. Its memory does not grow with the length of the videos.
 */
public final class Forecaster implements AutoCloseable {

    private static final int MOST_AT_ONCE = 10;
    /** What videos that are forecast together may take, in float32 values (256 MB). */
    private static final long MOST_VALUES = 1L << 26;
    /** Gates, cell, state and their convolutions' results: about so many values for each that a layer puts out. */
    private static final int LAYER_VALUES = 6;

    /**
     * The scores of forecasts.
     *
     * @param context how many frames of each video the model saw
     * @param frames how many it predicted
     * @param model the scores of its forecasts
     * @param baseline the scores of repeating the last frame seen
     */
    public record Evaluation(int context, int frames, ForecastScores.Result model, ForecastScores.Result baseline) {
    }

    private final Checkpoint checkpoint;
    private final FrameShape shape;
    private final VideoFeed feed;
    private boolean closed;

    private Forecaster(Backend backend, Checkpoint checkpoint, int atOnce) {
        checkpoint.model().requireFramesToFrames();
        this.checkpoint = checkpoint;
        shape = checkpoint.model().input();
        feed = new VideoFeed(backend, checkpoint, atOnce);
    }

    /**
     * Plans a model's network on a device, for as many videos at once as are worth it.
     *
     * @throws FramecastException if the model does not give frames of the shape that it takes, or there is not enough
     *     memory
     */
    public static Forecaster open(Backend backend, Checkpoint checkpoint) {
        return open(backend, checkpoint, videosAtOnce(checkpoint.model(), 1));
    }

    /**
     * As {@link #open(Backend, Checkpoint)}, for so many videos at once.
     *
     * @param videosAtOnce at least 1; of more videos, the others are forecast after these
     */
    public static Forecaster open(Backend backend, Checkpoint checkpoint, int videosAtOnce) {
        if (videosAtOnce < 1) {
            throw new IllegalArgumentException(videosAtOnce + " videos at once; it must be at least 1");
        }
        return new Forecaster(backend, checkpoint, videosAtOnce);
    }

    /**
     * How many videos to forecast together: ten, or fewer where they are large or the heap is small.
     *
     * @param kept how many frames of a forecast the listener keeps in the heap before it is done with them
     */
    public static int videosAtOnce(ModelConfig model, int kept) {
        long layers = model.shapes().stream().mapToLong(FrameShape::size).sum();
        long values = (long) kept * model.input().size();
        long onHeap = Runtime.getRuntime().maxMemory() / 4 / Float.BYTES;
        return (int) Math.max(1, Math.min(MOST_AT_ONCE,
                Math.min(MOST_VALUES / (LAYER_VALUES * layers + values), onHeap / Math.max(1, values))));
    }

    /** The shape of the frames that the model takes and predicts. */
    public FrameShape frameShape() {
        return shape;
    }

    /**
     * Forecasts one video.
     *
     * @param context its frames so far, (frames, height, width, channels), in [0, 1]; the model's shape, at least one
     *     frame
     * @param frames how many to predict, at least 1
     * @return the frames that follow, each (height, width, channels)
     * @throws IllegalArgumentException if the values are not so many, or not in [0, 1]
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
     * Forecasts one video of images: a model of one channel sees and draws them in grey, one of three in colour.
     *
     * @param context its frames so far, of the model's height and width; at least one
     * @param frames how many to predict, at least 1
     * @return the frames that follow, of 8 bits a channel; values beyond black and white are taken for these
     * @throws IllegalArgumentException if an image is of another size, or the model has neither 1 nor 3 channels
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public List<BufferedImage> forecast(List<BufferedImage> context, int frames) {
        return Arrays.stream(forecast(Images.values(context, shape), frames))
                .map(values -> Images.image(values, shape)).toList();
    }

    /**
     * Forecasts some of many videos. Only the frames of the context are read.
     *
     * @param videos of the model's frames
     * @param indices of those that are forecast
     * @param context how many frames of each the model sees, at least 1 and no more than there are
     * @param frames how many to predict, at least 1
     * @param to is given the predictions
     * @throws IllegalArgumentException if the videos' frames are of another shape, or there are no such frames
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
        feed.inGroups(videos, indices, to, () -> {
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
     * One-step predictions (teacher forcing): shows the network the whole of the videos. Frame t that {@code to} is given
     * is the prediction of frame t+1.
     *
     * @param videos of the model's frames
     * @param indices of those that are shown
     * @param to is given the predictions, as many as a video has frames
     * @throws IllegalArgumentException if the videos' frames are of another shape
     * @throws IndexOutOfBoundsException if there is no video of an index
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public void forecastEachFrame(Videos videos, int[] indices, ForecastListener to) {
        requireVideos(videos, indices);
        int futureReach = checkpoint.model().futureReach();
        int last = videos.frames() - 1;
        feed.inGroups(videos, indices, to, () -> {
            for (int t = 0; t <= last; t++) {
                Tensor tail = feed.stepTail(t);
                // A layer that looks into the future changes its output for a frame until so many frames later.
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
     * Forecasts videos and scores the forecasts against the frames that came, beside repeating the last frame seen.
     *
     * @param videos of the model's frames, at least one
     * @param context how many frames of each the model sees, at least 1
     * @param frames how many to predict, at least 1; no more than the videos have after the context
     * @throws IllegalArgumentException if the videos' frames are of another shape or too few
     * @throws NotFiniteException if a prediction has NaN or infinite values
     */
    public Evaluation evaluate(Videos videos, int context, int frames) {
        if (videos.count() == 0 || (long) context + frames > videos.frames()) {
            throw new IllegalArgumentException(videos.count() + " videos of " + videos.frames()
                    + " frames have not " + context + " frames and " + frames + " that follow");
        }
        ForecastScores model = new ForecastScores(frames);
        ForecastScores baseline = new ForecastScores(frames);
        Map<Integer, Video> lastSeen = new HashMap<>();
        int[] all = IntStream.range(0, videos.count()).toArray();
        forecast(videos, all, context, frames, (index, frame, values) -> {
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
