package io.framecast.tools.render;

import io.framecast.data.Video;

/** A video whose first {@code context} frames a model was shown, and the model's version of the rest. */
record Forecast(Video truth, Video prediction, int context) {

    Forecast {
        if (truth.height() != prediction.height() || truth.width() != prediction.width()
                || truth.channels() != prediction.channels() || context + prediction.frames() != truth.frames()
                || context < 0) {
            throw new IllegalArgumentException("a forecast of " + shape(prediction) + " after " + context
                    + " seen frames does not fit a video of " + shape(truth));
        }
    }

    /** The absolute difference of the forecast frames. */
    Video difference() {
        return Picture.difference(truth.frames(context, truth.frames()), prediction);
    }

    private static String shape(Video v) {
        return v.frames() + " frames of " + v.height() + "x" + v.width() + "x" + v.channels();
    }
}
