package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.text.Count;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/**
 * The videos that names lead to. A name is that of a video file; of a directory of video files; of a directory of
 * numbered pictures, which are one video; of a directory of such directories; or a pattern such as "clips/*.mp4".
 *
 * @param videos at least one, in the order of the names and, in a directory, in natural order (2 before 10); each once
 * @param ignored for a message, what is left out of directories: files that are neither videos nor pictures of one,
 *     and directories that cannot be read
 */
public record VideoSources(List<VideoSource> videos, List<Path> ignored) {

    /** How deep directories may be in one another. */
    private static final int DEEPEST = 16;

    /** Collects what is found. */
    private static final class Found {
        private final List<VideoSource> videos = new ArrayList<>();
        private final List<Path> ignored = new ArrayList<>();
        private final Set<Path> seen = new HashSet<>();
        private final Set<Path> directories = new HashSet<>();
        private int all;

        /** A file that several names or links lead to is one video: its clips must not be on both sides of a split. */
        void add(VideoSource video) throws IOException {
            all++;
            if (seen.add(video.path().toRealPath())) {
                videos.add(video);
            }
        }
    }

    /**
     * Whether a name leads to videos of this kind, and not to a file of an array such as .npy. A directory and a
     * pattern do, and so does a file by its name or by its first bytes.
     *
     * @param name the name of a file or a directory, or a pattern
     * @return false for other files, and for files that do not exist and do not have the name of a video
     */
    public static boolean isVideo(String name) {
        try {
            Path path = Path.of(name);
            return !name.isEmpty() && (Files.isDirectory(path) || VideoSource.isVideo(path)
                    || !Files.exists(path) && isPattern(name));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static boolean isPattern(String name) {
        return name.matches("(?s).*[*?\\[{].*") && !name.matches("(?s).*\\.(npy|npz|gz)");
    }

    /**
     * Finds the videos. No file is opened.
     *
     * @param names of files and directories, and patterns
     * @return what was found
     * @throws FramecastException if a name leads to nothing, or a directory cannot be read
     */
    public static VideoSources find(List<String> names) {
        Found found = new Found();
        for (String name : names) {
            int before = found.all;
            try {
                find(name, found);
            } catch (IOException e) {
                throw new FramecastException(name + " cannot be read: " + e.getMessage() + ".", e);
            }
            if (found.all == before) {
                throw new FramecastException(Files.isDirectory(Path.of(name)) ? "The directory " + name
                        + " has no videos and no pictures" + (found.ignored.isEmpty() ? "; it is empty."
                        : ", but " + Count.of(found.ignored.size(), "other file") + ", such as "
                        + found.ignored.get(0).getFileName() + ".")
                        : "No video matches " + name + ".");
            }
        }
        return new VideoSources(List.copyOf(found.videos), List.copyOf(found.ignored));
    }

    private static void find(String name, Found found) throws IOException {
        Path path = Path.of(name);
        if (Files.isDirectory(path)) {
            findIn(path, entries(path), found, 0);
        } else if (Files.exists(path)) {
            found.add(new VideoSource(path, List.of()));
        } else if (isPattern(name)) {
            for (Path match : matches(name)) {
                find(match.toString(), found);
            }
        } else {
            throw new FramecastException("There is no file " + name + ".");
        }
    }

    private static List<Path> entries(Path directory) throws IOException {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory,
                entry -> !entry.getFileName().toString().startsWith("."))) {
            stream.forEach(entries::add);
        } catch (AccessDeniedException e) {
            throw new IOException("permission denied", e);
        }
        entries.sort(new NaturalOrder());
        return entries;
    }

    /** @param entries what the directory has */
    private static void findIn(Path directory, List<Path> entries, Found found, int depth) throws IOException {
        if (!found.directories.add(directory.toRealPath())) {
            return; // A link leads back to it.
        }
        List<Path> pictures = entries.stream().filter(VideoSource::isPictureName).filter(Files::isRegularFile).toList();
        boolean hasVideos = entries.stream().anyMatch(entry -> Files.isRegularFile(entry)
                && VideoSource.isVideo(entry) && !VideoSource.isPictureName(entry));
        for (Path entry : entries) {
            if (Files.isDirectory(entry)) {
                findInner(entry, found, depth + 1);
            } else if (VideoSource.isVideo(entry) && !VideoSource.isPictureName(entry)) {
                found.add(new VideoSource(entry, List.of()));
            } else if (hasVideos || !VideoSource.isPictureName(entry)) { // Pictures beside videos are thumbnails.
                found.ignored.add(entry);
            }
        }
        if (!hasVideos && !pictures.isEmpty()) {
            found.add(new VideoSource(directory, pictures));
        }
    }

    /** The others go on without a directory within them that cannot be read. */
    private static void findInner(Path directory, Found found, int depth) throws IOException {
        List<Path> entries;
        try {
            entries = entries(directory);
        } catch (IOException e) {
            found.ignored.add(directory);
            return;
        }
        if (depth > DEEPEST) {
            found.ignored.add(directory);
        } else {
            findIn(directory, entries, found, depth);
        }
    }

    /** The files and directories that a pattern matches. */
    private static List<Path> matches(String pattern) throws IOException {
        Path whole = Path.of(pattern);
        Path base = whole.isAbsolute() ? whole.getRoot() : Path.of("");
        int depth = 0;
        for (Path part : whole) {
            if (isPattern(part.toString())) {
                break;
            }
            base = base.resolve(part);
            depth++;
        }
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        } catch (PatternSyntaxException e) {
            throw new FramecastException("There is no file " + pattern + ", and it is no pattern of names either: "
                    + e.getDescription() + ".", e);
        }
        int levels = pattern.contains("**") ? DEEPEST : whole.getNameCount() - depth;
        if (!Files.isDirectory(base.toString().isEmpty() ? Path.of(".") : base)) {
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(base, levels)) {
            return walk.filter(matcher::matches).sorted(new NaturalOrder()).toList();
        }
    }
}
