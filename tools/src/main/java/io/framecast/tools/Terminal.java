package io.framecast.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** What is said to a person beside a command's results, and where. */
final class Terminal {

    /** The major number of {@code /dev/null}, {@code /dev/zero} and the like. */
    private static final long MEMORY_DEVICES = 1;

    private Terminal() {
    }

    /** A line on standard error about something that is not wrong, but that the person should know. */
    static void warn(String message) {
        System.err.println("framecast: warning: " + message);
    }

    /**
     * Whether a person watches standard error, where progress bars are drawn: whether it is a terminal, of all character
     * devices the one kind that a program's output goes to, but for those of memory such as {@code /dev/null}. (A
     * {@code System.console()} is there in Java 22 to 24 even where there is no terminal, and never tells of standard
     * error.)
     */
    static boolean isWatched() {
        try {
            Map<String, Object> output = Files.readAttributes(Path.of("/proc/self/fd/2"), "unix:mode,rdev");
            boolean characterDevice = ((int) output.get("mode") & 0170000) == 0020000;
            long major = (long) output.get("rdev") >> 8 & 0xfff;
            return characterDevice && major != MEMORY_DEVICES;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /** A progress bar, to be built only where {@link #isWatched}. */
    static ProgressBarBuilder bar(String task) {
        return new ProgressBarBuilder().setTaskName(task).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200);
    }
}
