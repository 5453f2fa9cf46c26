package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.Remedy;

/** Training cannot go on: a loss, a parameter or an average became NaN or infinite. */
public final class DivergedException extends FramecastException {

    DivergedException(String message, Remedy remedy) {
        super(message, remedy);
    }
}
