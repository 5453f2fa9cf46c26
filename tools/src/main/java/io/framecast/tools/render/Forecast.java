package io.framecast.tools.render;

import io.framecast.data.Video;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A video with the forecast of its last frames, at the size for drawing. Of a long context it has only the last frames.
 *
 * @param frames the number of frames of the video, up to the end of the forecast
 * @param height the height of the frames in the file; those here may be smaller, see {@link #reduced}
 * @param width the width of the frames in the file
 * @param truth true frames, each a video of one frame: those of the context, and those that follow
 * @param predictions of the last frames of {@code truth}: one, which pictures show with its difference from the truth,
 *     or two of different models, which they show beside each other
 */
public record Forecast(int frames, int height, int width, List<Video> truth, List<Prediction> predictions) {

    /**
     * A prediction.
     *
     * @param title of its row or panel, of at most 16 characters
     * @param frames each a video of one frame
     */
    public record Prediction(String title, List<Video> frames) {

        public Prediction {
            frames = List.copyOf(frames);
        }
    }

    /**
     * What a row of a strip and a panel of an animation show beside the truth.
     *
     * @param isPrediction false for a difference
     * @param frames of the forecast
     */
    record Row(String title, boolean isPrediction, List<Video> frames) {
    }

    /** The largest size at which frames are drawn; larger frames are not kept. */
    static final int MOST_PIXELS = 512;
    /** Of the context, only the last frames are shown: these show the motion before the forecast. */
    private static final int MOST_SEEN = 20;

    public Forecast {
        truth = List.copyOf(truth);
        predictions = List.copyOf(predictions);
        if (predictions.isEmpty() || predictions.size() > 2) {
            throw new IllegalArgumentException(predictions.size() + " predictions, not 1 or 2");
        }
        requireShape(truth, truth.get(0));
        int count = predictions.get(0).frames.size();
        for (Prediction prediction : predictions) {
            requireShape(prediction.frames, truth.get(0));
            if (prediction.frames.isEmpty() || prediction.frames.size() != count || truth.size() < count
                    || frames < truth.size()) {
                throw new IllegalArgumentException("a forecast of " + prediction.frames.size() + " frames does not fit "
                        + "a video of " + truth.size() + " of " + frames + " frames");
            }
        }
    }

    private static void requireShape(List<Video> frames, Video first) {
        for (Video frame : frames) {
            if (frame.frames() != 1 || frame.height() != first.height() || frame.width() != first.width()
                    || frame.channels() != first.channels()) {
                throw new IllegalArgumentException("the frames of a forecast differ in shape");
            }
        }
    }

    /** The number, from 0, of the first frame in pictures of a forecast with this context. */
    public static int firstShown(int context) {
        return Math.max(0, context - MOST_SEEN);
    }

    /** A frame, reduced to the largest size at which frames are drawn. */
    public static Video reduced(Video frame) {
        return FrameSize.of(frame.height(), frame.width(), 1, MOST_PIXELS).reduce(frame);
    }

    /** What pictures of forecasts of such videos do not show, in sentences. */
    public static List<String> omissions(int context, int predicted, int height, int width, int channels) {
        List<String> sentences = new ArrayList<>();
        int first = firstShown(context);
        if (first > 0) {
            sentences.add("Of the " + context + " frames seen, pictures show the last " + (context - first) + ".");
        }
        sentences.addAll(reduction("GIFs", height, width, ComparisonGif.size(height, width)));
        sentences.addAll(reduction("Strips", height, width,
                FrameStrip.size(height, width, context - first + predicted)));
        if (!Picture.channelsNote(channels).isEmpty()) {
            sentences.add("Pictures show " + Picture.channelsNote(channels) + ".");
        }
        return sentences;
    }

    private static List<String> reduction(String pictures, int height, int width, FrameSize drawn) {
        return drawn.reduces(height, width) ? List.of(pictures + " show frames of " + height + "x" + width
                + " pixels reduced to " + drawn.height() + "x" + drawn.width() + ".") : List.of();
    }

    /** The notes of a picture with frames of this size, on what it reduces or leaves out. */
    Notes notes(FrameSize drawn) {
        int context = frames - predicted();
        return Notes.of(seen() == context ? "" : "the last " + seen() + " of " + context + " seen frames", height,
                width, truth.get(0).channels(), drawn);
    }

    /** How many frames of {@code truth} belong to the context. */
    int seen() {
        return truth.size() - predicted();
    }

    private int predicted() {
        return predictions.get(0).frames.size();
    }

    /** The number in the whole video, from 1, of frame {@code t} of {@code truth}. */
    int number(int t) {
        return frames - truth.size() + t + 1;
    }

    /** What pictures show beside the truth, two rows or panels. */
    List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        predictions.forEach(prediction -> rows.add(new Row(prediction.title, true, prediction.frames)));
        if (rows.size() == 1) {
            List<Video> predicted = rows.get(0).frames;
            rows.add(new Row("difference", false, IntStream.range(0, predicted.size())
                    .mapToObj(t -> Picture.difference(truth.get(seen() + t), predicted.get(t))).toList()));
        }
        return rows;
    }
}
