package io.framecast.data;

import io.framecast.FramecastException;

/** The values of a file do not fit the scale on which they are to be brightness, and another scale would fit. */
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
     * What was wrong, without what to do and without the full stop.
     *
     * @return a clause for a sentence
     */
    public String fault() {
        return fault;
    }

    /**
     * A scale that takes the values.
     *
     * @return a usual scale, or else the range of the values
     */
    public Scale fitting() {
        return fitting;
    }
}
