package io.framecast.predict;

import io.framecast.FramecastException;

/**
 * A model's forecast has NaN or infinite values. The message says where. What to do about it depends on the use of the
 * forecast: the caller adds that with {@link #withAdvice}.
 */
public final class NotFiniteException extends FramecastException {

    /**
     * @param video the video's index in its file
     * @param frame number of the frame within the forecast, from 1
     */
    NotFiniteException(int video, int frame) {
        super("The model's forecast for video " + video + " is not finite: there are NaN or infinite values in its "
                + "frame " + frame + " (counted from 1).");
    }

    /**
     * {@return an exception with this message and advice}
     *
     * @param sentence the advice, appended to the message
     */
    public FramecastException withAdvice(String sentence) {
        return new FramecastException(getMessage() + " " + sentence, this);
    }
}
