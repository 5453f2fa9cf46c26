package io.framecast.video;

import io.framecast.FramecastException;

/** The videos have frames of different sizes, and no size was set. */
public final class MixedSizesException extends FramecastException {

    private static final long serialVersionUID = 1;

    MixedSizesException(String message) {
        super(message);
    }
}
