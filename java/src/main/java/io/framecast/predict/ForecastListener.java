package io.framecast.predict;

/** Receives the predicted frames one by one, as they are computed. */
@FunctionalInterface
public interface ForecastListener {

    /**
     * Receives one frame. The frames of one video come in order; frames of other videos may come in between.
     *
     * @param index the video's index; 0 if only one video is forecast
     * @param frame number of the frame within the forecast, from 0
     * @param values (height, width, channels), finite; the listener may keep the array
     */
    void forecast(int index, int frame, float[] values);
}
