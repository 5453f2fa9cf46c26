package io.framecast;

import io.framecast.text.Quote;

/**
 * A failure that the person at the keyboard can act on. The message is one sentence that says what
 * was wrong and what to do; the command line prints it as it is and leaves with status 1. Whatever
 * files and names put into it, it is one line without control characters (see {@link Quote}).
 */
public class FramecastException extends RuntimeException {

    public FramecastException(String message) {
        this(message, null);
    }

    public FramecastException(String message, Throwable cause) {
        super(Quote.message(String.valueOf(message)), cause);
    }
}
