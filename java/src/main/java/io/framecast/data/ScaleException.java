package io.framecast.data;

import io.framecast.FramecastException;

/** The values of a file do not fit its scale, and another scale would fit. */
public final class ScaleException extends FramecastException {

    /** What was wrong. */
    private final String fault;
    private final transient Scale fitting;

    ScaleException(String fault, Scale fitting) {
        super(fault + "; a scale of " + fitting + " would take them.");
        this.fault = fault;
        this.fitting = fitting;
    }

    /**
     * What was wrong, without advice and without a full stop.
     *
     * @return a clause for a sentence
     */
    public String fault() {
        return fault;
    }

    /**
     * A scale that covers the values.
     *
     * @return a usual scale, or else the range of the values
     */
    public Scale fitting() {
        return fitting;
    }
}
