package io.framecast.files;

import io.framecast.FramecastException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/**
 * Writes files atomically: the bytes go to a temporary file beside the target, are synced to disk, and then renamed
 * over the target. If anything fails (a full disk, a lost permission, a crash), the previous file is untouched and
 * nothing of the new one remains: see {@link PartFile}.
 *
 * <p>A new file has the default permissions of the process (umask); a replaced file keeps its permissions if the file
 * system allows it. If the target is a symbolic link, the link stays and its target is replaced. A pipe, a terminal or
 * a device such as /dev/null is written directly.
 */
public final class AtomicFiles {

    /** Writes the content of one file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Writes the content of one file, in any order. */
    @FunctionalInterface
    public interface ChannelContent {
        void writeTo(FileChannel channel) throws IOException;
    }

    private static final Path PROC = Path.of("/proc");

    /** The bits of st_mode that give the file type. */
    private static final int FILE_TYPE = 0170000;
    private static final int BLOCK_DEVICE = 0060000;

    /** The most symbolic links to follow, as in Linux. */
    private static final int LINKS = 40;

    private AtomicFiles() {
    }

    /**
     * Replaces {@code file}, creating its directory if needed.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Content content) {
        Path target = target(file);
        if (isStream(target)) {
            writeInto(target, file, content);
            return;
        }
        replace(target, file, channel -> {
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            content.writeTo(out);
            out.flush();
        });
    }

    /**
     * Checks, before the work for it, that {@link #write} can write to {@code file}. Nothing is left of the check.
     *
     * @throws FramecastException if it cannot
     */
    public static void requireWritable(Path file) {
        Path target = target(file);
        if (!isStream(target)) {
            tryPart(target, file);
        } else if (!Files.isWritable(target)) {
            throw cannotWrite(file, new AccessDeniedException(file.toString()));
        }
    }

    /**
     * Checks, before the work for them, that files can be written to a directory, which may have to be made. Nothing is
     * left of the check.
     *
     * @throws FramecastException if they cannot
     */
    public static void requireDirectory(Path directory) {
        tryPart(destination(directory).resolve("file"), directory);
    }

    private static void tryPart(Path target, Path named) {
        try {
            PartFile.create(target).close();
        } catch (IOException e) {
            throw cannotWrite(named, e);
        }
    }

    /** Where {@code file} leads: no directory, and no disk. */
    private static Path target(Path file) {
        Path target = destination(file);
        if (Files.isDirectory(target)) {
            throw new FramecastException("Cannot write " + file + ": it is there already, and is a directory.");
        }
        if (isDisk(target)) {
            throw new FramecastException("Cannot write " + file + ": it is a disk; choose a file on it.");
        }
        return target;
    }

    /**
     * Like {@link #write}, for content that goes back to what it has written.
     *
     * @throws FramecastException if the file cannot be written, also because it is a pipe or a device; the previous
     *         file is untouched
     */
    public static void writeAnywhere(Path file, ChannelContent content) {
        Path target = destination(file);
        if (Files.isDirectory(target) || isStream(target)) {
            throw new FramecastException("Cannot write " + file + ": it is there already, and is no file.");
        }
        replace(target, file, content);
    }

    private static void replace(Path target, Path named, ChannelContent content) {
        try (PartFile part = PartFile.create(target)) {
            content.writeTo(part.channel());
            part.channel().force(true);
            keepPermissions(target, part.path());
            part.moveTo(target);
        } catch (IOException e) {
            throw cannotWrite(named, e);
        }
    }

    /** Replaces {@code file} by {@code text} in UTF-8. */
    public static void write(Path file, String text) {
        write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Deletes the temporary files left by killed processes. Only for directories that no other process writes to:
     * unlike {@link #write}, which does the same for its own target, this ignores file locks.
     *
     * @param names a regular expression for the names of the files that were being written
     */
    public static void deleteUnfinished(Path directory, String names) {
        PartFile.deleteAll(directory, names);
    }

    /**
     * The absolute path that {@link #write} writes to, with all symbolic links resolved, also those of its directories.
     * The file need not exist.
     *
     * @throws FramecastException if a link leads back to itself, or cannot be read
     */
    public static Path destination(Path file) {
        try {
            Path target = withRealDirectory(file.toAbsolutePath());
            for (int k = 0; isLink(target); k++) {
                if (k == LINKS) {
                    throw new FramecastException("Cannot write " + file + ": its symbolic link leads back to itself; "
                            + "remove it or choose another name.");
                }
                target = withRealDirectory(target.resolveSibling(Files.readSymbolicLink(target)));
            }
            return target;
        } catch (IOException e) {
            throw cannotWrite(file, e);
        }
    }

    private static Path withRealDirectory(Path file) throws IOException {
        Path directory = file.getParent();
        return directory != null && Files.exists(directory) ? directory.toRealPath().resolve(file.getFileName()) : file;
    }

    /**
     * The links in /proc/self/fd (the target of /dev/stdout) are not real links: they can be opened, but may not name a
     * file.
     */
    private static boolean isLink(Path file) {
        return Files.isSymbolicLink(file) && !file.startsWith(PROC);
    }

    /** Whether {@code file} is a pipe, a terminal or a device, which is written directly. */
    public static boolean isStream(Path file) {
        Path target = destination(file);
        return target.startsWith(PROC) && Files.isSymbolicLink(target)
                || Files.exists(target) && !Files.isRegularFile(target) && !Files.isDirectory(target);
    }

    private static void writeInto(Path stream, Path named, Content content) {
        // Append: /dev/stdout may be a file that the shell has already written to.
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(stream, StandardOpenOption.WRITE,
                StandardOpenOption.APPEND), 1 << 16)) {
            content.writeTo(out);
        } catch (IOException e) {
            throw cannotWrite(named, e);
        }
    }

    private static boolean isDisk(Path file) {
        try {
            return Files.exists(file) && ((int) Files.getAttribute(file, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
        } catch (IOException e) {
            return false; // The error of opening it will say more.
        }
    }

    /**
     * Whether {@code file} itself (not the target of a link) belongs to this user. Compared with a new file beside it,
     * since some file systems report one owner for all files.
     */
    public static boolean isOwn(Path file) throws IOException {
        Path made = Files.createFile(PartFile.beside(file));
        try {
            return owner(made).equals(owner(file));
        } finally {
            Files.delete(made);
        }
    }

    private static Object owner(Path file) throws IOException {
        return Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    }

    /** Names the file, as the user did, and the reason in one sentence. */
    public static FramecastException cannotWrite(Path file, IOException e) {
        String reason;
        if (e instanceof AccessDeniedException) {
            reason = "permission denied";
        } else if (e instanceof FileSystemException f && f.getReason() != null) {
            reason = f.getReason();
        } else if (e instanceof NoSuchFileException f) {
            reason = missing(Path.of(f.getFile()));
        } else if (e instanceof FileAlreadyExistsException f) {
            reason = f.getFile() + " is in the way and is not a directory";
        } else {
            reason = e.getMessage();
        }
        return new FramecastException("Cannot write " + file + ": " + reason + ".", e);
    }

    /** Why a file could not be made. It may be a temporary one, whose name means nothing to the user. */
    private static String missing(Path file) {
        Path directory = file.toAbsolutePath().getParent();
        return (Files.isDirectory(directory) ? "nothing can be made in " : "there is no ") + directory;
    }

    /** Best effort: some file systems have no permissions, or refuse to change them. */
    private static void keepPermissions(Path previous, Path next) {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(previous);
            if (!permissions.equals(Files.getPosixFilePermissions(next))) {
                Files.setPosixFilePermissions(next, permissions);
            }
        } catch (IOException | UnsupportedOperationException e) {
            // There was no file before, or its permissions cannot be set.
        }
    }
}
