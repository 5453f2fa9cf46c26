package io.framecast.predict;

import io.framecast.FramecastException;

/**
 * A model's forecast has NaN or infinite values: it cannot be shown, scored or gone on from. The message says where;
 * what to do about it knows who asked for the forecast, see {@link #withRemedy}.
 */
public final class NotFiniteException extends FramecastException {

    /**
     * @param video its number in its file
     * @param frame of the forecast, from 1
     */
    NotFiniteException(int video, int frame) {
        super("The model's forecast for video " + video + " is not finite: there are NaN or infinite values in its "
                + "frame " + frame + " (counted from 1).");
    }

    /** The same, with a sentence on what to do. */
    public FramecastException withRemedy(String sentence) {
        return new FramecastException(getMessage() + " " + sentence, this);
    }
}
