package io.framecast;

import io.framecast.text.Quote;
import java.util.List;
import java.util.stream.Stream;

/**
 * A failure with a cause outside the program: a file, a device, memory, or a value that a user chose. The message is
 * one or two sentences that say what was wrong and what to do. It fits every caller: it names no command-line option.
 * It is always one line without control characters, even if file names in it contain them (see {@link Quote}).
 * Programming errors are {@link IllegalArgumentException} or {@link IllegalStateException} instead.
 */
public class FramecastException extends RuntimeException {

    /** What the message advises, in the message's order. */
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
     * @param more further remedies, in the message's order
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

    /** {@return what the message advises, in the message's order; often empty} */
    public final List<Remedy> remedies() {
        return List.of(remedies);
    }
}
