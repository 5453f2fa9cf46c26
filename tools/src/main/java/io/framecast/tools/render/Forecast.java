package io.framecast.tools.render;

import io.framecast.data.Video;
import java.util.ArrayList;
import java.util.List;

/**
 * A video, the first frames of which a model was shown, and the model's version of the rest, at the size to draw it in.
 * Of many seen frames only the last are here.
 *
 * @param frames    of the whole video, up to the end of the forecast
 * @param height    of its frames in its file: here they are no larger than pictures need them, see {@link #reduced}
 * @param width     likewise
 * @param truth     its last frames, each a video of one frame: those seen, and what came after them
 * @param predicted the model's version of the last of {@code truth}
 */
public record Forecast(int frames, int height, int width, List<Video> truth, List<Video> predicted) {

    /** Frames are kept no larger than they are ever drawn. */
    static final int MOST_PIXELS = 512;
    /** Of the frames seen, the last ones are shown: what the motion was just before. */
    private static final int MOST_SEEN = 20;

    public Forecast {
        truth = List.copyOf(truth);
        predicted = List.copyOf(predicted);
        Video first = truth.get(0);
        for (List<Video> part : List.of(truth, predicted)) {
            for (Video frame : part) {
                if (frame.frames() != 1 || frame.height() != first.height() || frame.width() != first.width()
                        || frame.channels() != first.channels()) {
                    throw new IllegalArgumentException("the frames of a forecast differ in shape");
                }
            }
        }
        if (predicted.isEmpty() || truth.size() < predicted.size() || frames < truth.size()) {
            throw new IllegalArgumentException("a forecast of " + predicted.size() + " frames does not fit a video of "
                    + truth.size() + " of " + frames + " frames");
        }
    }

    /** The frame, from 0, with which pictures of a forecast after {@code context} seen frames begin. */
    public static int firstShown(int context) {
        return Math.max(0, context - MOST_SEEN);
    }

    /** A frame as large as pictures need it at most. */
    public static Video reduced(Video frame) {
        return FrameSize.of(frame.height(), frame.width(), 1, MOST_PIXELS).reduce(frame);
    }

    /** What pictures of forecasts of such videos leave out, in sentences. */
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

    /** What a picture with frames of this size says that it does not show as it is. */
    Notes notes(FrameSize drawn) {
        int context = frames - predicted.size();
        return Notes.of(seen() == context ? "" : "the last " + seen() + " of " + context + " seen frames", height,
                width, truth.get(0).channels(), drawn);
    }

    /** The number of frames of {@code truth} that the model was shown. */
    int seen() {
        return truth.size() - predicted.size();
    }

    /** The number, from 1 on in the whole video, of frame {@code t} of {@code truth}. */
    int number(int t) {
        return frames - truth.size() + t + 1;
    }

    Video difference(int future) {
        return Picture.difference(truth.get(seen() + future), predicted.get(future));
    }
}
