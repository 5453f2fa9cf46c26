package io.framecast.tools.option;

import io.framecast.files.AtomicFiles;
import io.framecast.text.Quote;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converts file names given as options. A {@link Path} loses the slash at the end of a directory's name. */
public final class FileName implements ITypeConverter<Path> {

    @Override
    public Path convert(String name) {
        problem(name).ifPresent(problem -> {
            throw new TypeConversionException(problem);
        });
        return path(name);
    }

    /** For options that lead to videos: a file, a directory or a pattern. */
    public static final class OfVideos implements ITypeConverter<Path> {

        @Override
        public Path convert(String name) {
            if (name.isEmpty() || !Files.isDirectory(path(name))) {
                problem(name).ifPresent(problem -> {
                    throw new TypeConversionException(problem);
                });
            }
            return path(name);
        }
    }

    /** For options whose value is a file or, with a slash at its end, a directory: the name as it was given. */
    public static final class WithSlash implements ITypeConverter<String> {

        @Override
        public String convert(String name) {
            if (name.isEmpty()) {
                throw new TypeConversionException("it is empty; name a file or a directory");
            }
            problem(name.replaceFirst("/$", "")).ifPresent(problem -> {
                throw new TypeConversionException(problem + ", or a directory by its name and a slash");
            });
            path(name);
            return name;
        }
    }

    /** For options whose value is a directory. */
    public static final class OfDirectory implements ITypeConverter<Path> {

        @Override
        public Path convert(String name) {
            if (name.isEmpty()) {
                throw new TypeConversionException("it is empty; name a directory");
            }
            return path(name);
        }
    }

    /** Whether a file to write has no other suffix than this one. The name of a pipe or a device says nothing. */
    public static boolean allows(String suffix, Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot <= 0 || name.substring(dot).equalsIgnoreCase(suffix) || AtomicFiles.isStream(file);
    }

    /** Checks the name of a file to write, in the only format there is. */
    public static void requireSuffix(String suffix, String option, Path file) {
        Options.require(allows(suffix, file), option + " " + file + ": it is a " + suffix + " file that is written; "
                + "choose a name that ends so.");
    }

    /** Why a text cannot be the name of a file, as far as the text alone shows. */
    static Optional<String> problem(String name) {
        if (name.isEmpty()) {
            return Optional.of("it is empty; name a file");
        }
        return name.matches("(?s)(.*/)?\\.{0,2}") ? Optional.of(name + " names a directory; name a file")
                : Optional.empty();
    }

    private static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new TypeConversionException(unusable(e));
        }
    }

    /**
     * The message for a name with a NUL character, or with characters that the locale's character set does not have.
     */
    public static String unusable(InvalidPathException e) {
        return "There can be no file named \"" + Quote.of(e.getInput()) + "\" here: " + e.getReason()
                + "; choose another name.";
    }
}
