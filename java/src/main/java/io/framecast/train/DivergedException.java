package io.framecast.train;

import io.framecast.FramecastException;

/** Training cannot go on: a loss, a parameter or an average became NaN or infinite. */
public final class DivergedException extends FramecastException {

    DivergedException(String message) {
        super(message);
    }
}
