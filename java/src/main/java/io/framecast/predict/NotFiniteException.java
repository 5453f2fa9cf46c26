package io.framecast.predict;

import io.framecast.FramecastException;

/**
 * A model's forecast has NaN or infinite values: it cannot be shown, scored or gone on from. The message says where;
 * what to do about it depends on what the forecast is for, so whoever asked for it adds that: {@link #withAdvice}.
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

    /**
     * {@return the same, with what to do about it}
     *
     * @param sentence is added to the message
     */
    public FramecastException withAdvice(String sentence) {
        return new FramecastException(getMessage() + " " + sentence, this);
    }
}
