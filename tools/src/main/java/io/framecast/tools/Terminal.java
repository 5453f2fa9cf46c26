package io.framecast.tools;

import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** What is said to a person beside a command's results, and where. */
final class Terminal {

    private Terminal() {
    }

    /** A line on standard error about something that is not wrong, but that the person should know. */
    static void warn(String message) {
        System.err.println("framecast: warning: " + message);
    }

    /** A line on standard error about what was decided for the person, and how to decide otherwise. */
    static void note(String message) {
        System.err.println("framecast: note: " + message);
    }

    /** Whether a person watches: there are progress bars only then. */
    static boolean isWatched() {
        return System.console() != null;
    }

    /** A progress bar, to be built only where {@link #isWatched}. */
    static ProgressBarBuilder bar(String task) {
        return new ProgressBarBuilder().setTaskName(task).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200);
    }
}
