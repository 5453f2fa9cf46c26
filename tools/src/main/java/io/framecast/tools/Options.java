package io.framecast.tools;

import io.framecast.FramecastException;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/** Checks of options that are more than a type. */
final class Options {

    private Options() {
    }

    /**
     * @throws UsageException with the message unless {@code holds}
     */
    static void require(boolean holds, String message) {
        if (!holds) {
            throw new UsageException(message);
        }
    }

    /** @throws UsageException unless {@code fraction} is a possible --validation-split */
    static void requireSplit(double fraction) {
        require(fraction >= 0 && fraction < 1, "--validation-split must be from 0 to below 1, not " + fraction + ".");
    }

    /** The command as it was given, to be given again in a shell. */
    static String commandLine(CommandSpec spec) {
        return spec.commandLine().getParseResult().originalArgs().stream().map(Options::quoted)
                .collect(Collectors.joining(" ", "framecast ", ""));
    }

    /** A word as a shell takes it. */
    static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** A wrong option: like any failure, but the exit status says bad usage. */
    static final class UsageException extends FramecastException {
        UsageException(String message) {
            super(message);
        }
    }
}
