package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.tools.distributed.Processes;
import io.framecast.video.VideoSources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of options that go beyond their types. */
public final class Options {

    private static final Pattern ENUM_VALUES
            = Pattern.compile("expected one of \\[([^\\]]*)] \\(case-insensitive\\)");

    private Options() {
    }

    /** Picocli's message, with numbers instead of Java's types, and the values of an option as users write them. */
    public static String inUserWords(ParameterException e) {
        String numbers = String.valueOf(e.getMessage()).replaceAll("' is not a (double|float)$", "' is not a number")
                .replaceAll("' is not an? (int|long)$", "' is not a whole number, or too large");
        return ENUM_VALUES.matcher(numbers).replaceAll(found -> Matcher.quoteReplacement(
                "expected one of " + found.group(1).toLowerCase(Locale.ROOT)));
    }

    /**
     * @throws UsageException with this message if {@code holds} is false
     */
    public static void require(boolean holds, String message) {
        if (!holds) {
            throw new UsageException(message);
        }
    }

    /** @throws UsageException if {@code fraction} is no valid --validation-split */
    public static void requireSplit(double fraction) {
        require(fraction >= 0 && fraction < 1, "--validation-split must be from 0 to below 1, not " + fraction + ".");
    }

    /**
     * Checks that a command does not replace a file that it reads, also under another name or through links. Pipes and
     * devices may be read and written at the same time.
     *
     * @param reads the option that names {@code input}
     * @param input null if there is none
     * @param writes the option that names {@code output}
     * @param output null where there is none
     * @throws UsageException if they are the same file
     */
    public static void requireApart(String reads, Path input, String writes, Path output) {
        if (output != null) {
            requireApart(reads, input, writes, output, List.of(output));
        }
    }

    /**
     * Checks that no file is read and replaced.
     *
     * @param input a file, or what leads to the files of videos
     * @param files the files that are written if {@code output} is a directory
     */
    public static void requireApart(String reads, Path input, String writes, Path output, List<Path> files) {
        List<Path> replaced = files.stream().filter(Files::isRegularFile).toList();
        if (input == null || replaced.isEmpty()) {
            return;
        }
        for (Path file : filesOf(input)) {
            require(replaced.stream().noneMatch(other -> isSame(file, other)), writes + " " + output + " would replace "
                    + (file.equals(input) ? reads + " " + input : file + " of " + reads + " " + input)
                    + ", which is read; choose another " + writes + ".");
        }
    }

    /**
     * Checks that a file can be written, before the work for it begins. Of several processes, only the first writes.
     *
     * @param output null where there is none
     * @throws FramecastException if it cannot
     */
    public static void requireWritable(Path output) {
        if (output != null && Processes.isFirst()) {
            AtomicFiles.requireWritable(output);
        }
    }

    private static List<Path> filesOf(Path input) {
        try {
            return VideoSources.isVideo(input.toString()) ? VideoSources.find(List.of(input.toString())).videos()
                    .stream().flatMap(video -> video.files().stream()).toList() : List.of(input);
        } catch (FramecastException e) {
            return List.of(input); // Reading it will give a better message.
        }
    }

    private static boolean isSame(Path input, Path output) {
        try {
            return Files.exists(input) && Files.isSameFile(input, output);
        } catch (IOException e) {
            return false; // Reading it will give a better message.
        }
    }

    /** The command line, quoted for a shell. */
    public static String commandLine(CommandSpec spec) {
        return spec.commandLine().getParseResult().originalArgs().stream().map(Options::quoted)
                .collect(Collectors.joining(" ", "framecast ", ""));
    }

    /** A word, quoted for a shell if necessary. */
    public static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** A wrong option: exit status 2 instead of 1. */
    public static final class UsageException extends FramecastException {
        UsageException(String message) {
            super(message);
        }
    }
}
