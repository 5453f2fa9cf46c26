package io.framecast.backend;

import io.framecast.FramecastException;

/** Another process of the group has ended or failed, so that this one cannot go on. */
public final class ProcessFailedException extends FramecastException {

    private static final long serialVersionUID = 1;

    /**
     * With a sentence that names the process.
     *
     * @param message one sentence
     */
    public ProcessFailedException(String message) {
        super(message);
    }
}
