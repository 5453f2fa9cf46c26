package io.framecast.files;

import io.framecast.FramecastException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
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
 * Writes files that are there whole or not at all: the bytes go to a file beside the target, are
 * forced to the disk, and only then moved over it. Whatever fails on the way (a full disk, a lost
 * permission, a crash), a file that existed before still stands, and of the new one nothing is left: see
 * {@link PartFile}.
 *
 * <p>A new file has the permissions that the process's umask leaves, a replaced one keeps its own where the file
 * system lets it. A symbolic link stays, and what it leads to is written. What is no regular file (a pipe, a terminal,
 * /dev/null) is written straight into.
 */
public final class AtomicFiles {

    /** Writes the content of one file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private static final Path PROC = Path.of("/proc");

    /** In a file's mode. */
    private static final int FILE_TYPE = 0170000;
    private static final int BLOCK_DEVICE = 0060000;

    /** As many as Linux follows. */
    private static final int LINKS = 40;

    private AtomicFiles() {
    }

    /**
     * Replaces {@code file}, making its directory where needed.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Content content) {
        Path target = destination(file);
        if (Files.isDirectory(target)) {
            throw new FramecastException("Cannot write " + file + ": it is there already, and is a directory.");
        }
        if (isStream(target)) {
            writeInto(target, file, content);
            return;
        }
        try (PartFile part = PartFile.create(target)) {
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(part.channel()), 1 << 16);
            content.writeTo(out);
            out.flush();
            part.channel().force(true);
            keepPermissions(target, part.path());
            part.moveTo(target);
        } catch (IOException e) {
            throw cannotWrite(file, e);
        }
    }

    /** Replaces {@code file} by {@code text} in UTF-8. */
    public static void write(Path file, String text) {
        write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Deletes what killed processes have left of files that they were writing. For directories that no other process
     * writes to now: unlike {@link #write}, which does the same for its own target, this does not rely on file locks.
     *
     * @param names a regular expression for the names of the files that were being written
     */
    public static void deleteUnfinished(Path directory, String names) {
        PartFile.deleteAll(directory, names);
    }

    /**
     * The absolute path that {@link #write} writes to: where {@code file} is a symbolic link, what that leads to, be
     * it there or not; with no symbolic link among its directories.
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

    /** The links of /proc/self/fd, which /dev/stdout leads to, are none: they can be opened, but name no file. */
    private static boolean isLink(Path file) {
        return Files.isSymbolicLink(file) && !file.startsWith(PROC);
    }

    /** Whether what is written to {@code file} goes on at once, to a pipe, a terminal or a device: it is no file. */
    public static boolean isStream(Path file) {
        Path target = destination(file);
        return target.startsWith(PROC) && Files.isSymbolicLink(target)
                || Files.exists(target) && !Files.isRegularFile(target) && !Files.isDirectory(target);
    }

    private static void writeInto(Path stream, Path named, Content content) {
        if (isDisk(stream)) {
            throw new FramecastException("Cannot write " + named + ": it is a disk; choose a file on it.");
        }
        // Appended, as the shell may have begun the file that stands behind /dev/stdout.
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(stream, StandardOpenOption.WRITE,
                StandardOpenOption.APPEND), 1 << 16)) {
            content.writeTo(out);
        } catch (IOException e) {
            throw cannotWrite(named, e);
        }
    }

    private static boolean isDisk(Path stream) {
        try {
            return ((int) Files.getAttribute(stream, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
        } catch (IOException e) {
            return false; // Opening it will say more.
        }
    }

    /**
     * Whether {@code file}, itself and not what it leads to, belongs to this user: as a file does that is made beside
     * it, since some file systems tell their own owner for all.
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

    /** Names the file and the reason in one sentence. */
    public static FramecastException cannotWrite(Path file, IOException e) {
        String reason;
        if (e instanceof AccessDeniedException) {
            reason = "permission denied";
        } else if (e instanceof NoSuchFileException f) {
            reason = "there is no " + f.getFile();
        } else if (e instanceof FileAlreadyExistsException f) {
            reason = f.getFile() + " is in the way and is not a directory";
        } else if (e instanceof FileSystemException f && f.getReason() != null) {
            reason = f.getReason();
        } else {
            reason = e.getMessage();
        }
        return new FramecastException("Cannot write " + file + ": " + reason + ".", e);
    }

    /** A courtesy: some file systems have no permissions, or refuse to change them. */
    private static void keepPermissions(Path previous, Path next) {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(previous);
            if (!permissions.equals(Files.getPosixFilePermissions(next))) {
                Files.setPosixFilePermissions(next, permissions);
            }
        } catch (IOException | UnsupportedOperationException e) {
            // There was no file, or it has those of a new one.
        }
    }
}
