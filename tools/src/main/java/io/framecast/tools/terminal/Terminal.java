package io.framecast.tools.terminal;

import io.framecast.text.Quote;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import sun.misc.Signal;

/** Messages to the user. */
public final class Terminal {

    /** The major number of {@code /dev/null}, {@code /dev/zero} and the like. */
    private static final long MEMORY_DEVICES = 1;
    /** The width if it is unknown; also the width of tables. */
    static final int USUAL_COLUMNS = 80;
    private static final int LEAST_COLUMNS = 20;
    private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

    /** The width of the terminal; 0 if unknown, as at the start and after the window was resized. */
    private static volatile int columns;
    private static boolean followed;

    private Terminal() {
    }

    /** Prints a line of a command's results, which may contain names of files. */
    public static void say(String line) {
        System.out.println(Quote.line(line));
    }

    /** Prints a line on standard error about something that is no error, but that the user should know. */
    public static void warn(String message) {
        System.err.println("framecast: warning: " + Quote.line(message));
    }

    /** Prints a line on standard error about an automatic decision, and how to change it. */
    public static void note(String message) {
        System.err.println("framecast: note: " + Quote.line(message));
    }

    /**
     * Whether standard error, where progress bars are drawn, is a terminal: a character device that is no memory device
     * such as {@code /dev/null}. ({@code System.console()} cannot tell: in Java 22 to 24 it exists also without a
     * terminal, and it is not about standard error.)
     */
    public static boolean isWatched() {
        try {
            Map<String, Object> output = Files.readAttributes(Path.of("/proc/self/fd/2"), "unix:mode,rdev");
            boolean characterDevice = ((int) output.get("mode") & 0170000) == 0020000;
            long major = (long) output.get("rdev") >> 8 & 0xfff;
            return characterDevice && major != MEMORY_DEVICES;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /** A progress bar; build it only if {@link #isWatched}. */
    public static ProgressBarBuilder bar(String task) {
        ProgressBarBuilder bar = new ProgressBarBuilder().setTaskName(task).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200).setConsumer(new ProgressLine(System.err));
        return columns() < 50 ? bar.hideEta() : bar;
    }

    /** The present width of the terminal in characters, at least 20. */
    static int columns() {
        int now = columns;
        if (now == 0) {
            follow();
            now = Math.max(LEAST_COLUMNS, Stream.of("/dev/tty", "/dev/stderr").map(Terminal::columnsOf)
                    .flatMap(Optional::stream).findFirst().orElse(USUAL_COLUMNS));
            columns = now;
        }
        return now;
    }

    private static synchronized void follow() {
        if (!followed) {
            followed = true;
            Signal.handle(new Signal("WINCH"), signal -> columns = 0);
        }
    }

    /** The width that the system has for a terminal; empty if the file is no terminal, or its size was never set. */
    private static Optional<Integer> columnsOf(String terminal) {
        try {
            Process stty = new ProcessBuilder("stty", "size").redirectInput(new File(terminal))
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            try {
                String size = new String(stty.getInputStream().readNBytes(40), StandardCharsets.US_ASCII);
                stty.waitFor(1, TimeUnit.SECONDS);
                Matcher matcher = SIZE.matcher(size);
                return matcher.matches() ? Optional.of(Integer.parseInt(matcher.group(1))).filter(n -> n > 0)
                        : Optional.empty();
            } finally {
                stty.destroyForcibly();
            }
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
