package io.framecast;

import io.framecast.text.Quote;
import java.util.List;
import java.util.stream.Stream;

/**
 * A failure that has its cause outside the program: a file, a device, the memory, a value that a person chose. The
 * message is one or two sentences that say what was wrong and what to do, in words that fit every caller: it names no
 * option of a command line. Whatever files and names put into it, it is one line without control characters (see
 * {@link Quote}). What a programmer did wrong is an {@link IllegalArgumentException} or
 * {@link IllegalStateException}.
 */
public class FramecastException extends RuntimeException {

    /** What the message advises, in its order. */
    private final Remedy[] remedies;

    /**
     * A failure whose message advises nothing that has a name of its own.
     *
     * @param message sentences, with their period at the end
     */
    public FramecastException(String message) {
        this(message, (Throwable) null);
    }

    /**
     * The same with the exception that it comes from.
     *
     * @param message sentences, with their period at the end
     * @param cause may be null
     */
    public FramecastException(String message, Throwable cause) {
        this(message, cause, new Remedy[0]);
    }

    /**
     * A failure with what to do about it.
     *
     * @param message sentences, with their period at the end
     * @param remedy what the message advises
     * @param more that it advises, in the message's order
     */
    public FramecastException(String message, Remedy remedy, Remedy... more) {
        this(message, (Throwable) null, Stream.concat(Stream.of(remedy), Stream.of(more)).toArray(Remedy[]::new));
    }

    /**
     * A failure with what to do about it, and the exception that it comes from.
     *
     * @param message sentences, with their period at the end
     * @param cause may be null
     * @param remedies what the message advises, in the message's order
     */
    public FramecastException(String message, Throwable cause, Remedy... remedies) {
        super(Quote.message(String.valueOf(message)), cause);
        this.remedies = remedies.clone();
    }

    /** {@return what the message advises, in its order; often nothing that has a name of its own} */
    public final List<Remedy> remedies() {
        return List.of(remedies);
    }
}
