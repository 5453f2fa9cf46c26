package io.framecast.predict;

/** Takes the frames of forecasts one by one, as they are made. */
@FunctionalInterface
public interface ForecastListener {

    /**
     * The frames of one video come in order; those of other videos come in between.
     *
     * @param index of the video, among those that are forecast
     * @param frame of its forecast, from 0
     * @param values (height, width, channels), finite; the listener's to keep
     */
    void forecast(int index, int frame, float[] values);
}
