package io.framecast.tools.render;

import io.framecast.data.Video;
import java.util.ArrayList;
import java.util.List;

/**
 * A video with the forecast of its last frames, at the size for drawing. Of a long context it has only the last frames.
 *
 * @param frames the number of frames of the video, up to the end of the forecast
 * @param height the height of the frames in the file; those here may be smaller, see {@link #reduced}
 * @param width the width of the frames in the file
 * @param truth true frames, each a video of one frame: those of the context, and those that follow
 * @param predicted the predictions of the last frames of {@code truth}
 */
public record Forecast(int frames, int height, int width, List<Video> truth, List<Video> predicted) {

    /** The largest size at which frames are drawn; larger frames are not kept. */
    static final int MOST_PIXELS = 512;
    /** Of the context, only the last frames are shown: these show the motion before the forecast. */
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
        int context = frames - predicted.size();
        return Notes.of(seen() == context ? "" : "the last " + seen() + " of " + context + " seen frames", height,
                width, truth.get(0).channels(), drawn);
    }

    /** How many frames of {@code truth} belong to the context. */
    int seen() {
        return truth.size() - predicted.size();
    }

    /** The number in the whole video, from 1, of frame {@code t} of {@code truth}. */
    int number(int t) {
        return frames - truth.size() + t + 1;
    }

    Video difference(int future) {
        return Picture.difference(truth.get(seen() + future), predicted.get(future));
    }
}
