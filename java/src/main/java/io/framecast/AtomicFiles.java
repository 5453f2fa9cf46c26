package io.framecast;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Writes files that are there whole or not at all: the bytes go to a file beside the target, are
 * forced to the disk, and only then moved over it. Whatever fails on the way (a full disk, a lost
 * permission, a crash), a file that existed before still stands.
 */
public final class AtomicFiles {

    /** Writes the content of one file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private AtomicFiles() {
    }

    /**
     * Replaces {@code file}, making its directory where needed.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Content content) {
        Path target = file.toAbsolutePath();
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            // Moving a file over a device would replace it.
            throw new FramecastException("Cannot write " + file + ": it is there already, and is "
                    + (Files.isDirectory(target) ? "a directory." : "not a regular file."));
        }
        Path beside = null;
        try {
            Files.createDirectories(target.getParent());
            beside = Files.createTempFile(target.getParent(), "." + target.getFileName() + ".", ".part");
            try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE);
                    OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16)) {
                content.writeTo(out);
                out.flush();
                channel.force(true);
            }
            makeReadable(beside);
            Files.move(beside, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            beside = null;
        } catch (IOException e) {
            throw cannotWrite(file, e);
        } finally {
            deleteQuietly(beside);
        }
    }

    /** Replaces {@code file} by {@code text} in UTF-8. */
    public static void write(Path file, String text) {
        write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** Names the file and the reason in one sentence. */
    public static FramecastException cannotWrite(Path file, IOException e) {
        String reason;
        if (e instanceof AccessDeniedException) {
            reason = "permission denied";
        } else if (e instanceof FileAlreadyExistsException f) {
            reason = f.getFile() + " is in the way and is not a directory";
        } else if (e instanceof FileSystemException f && f.getReason() != null) {
            reason = f.getReason();
        } else {
            reason = e.getMessage();
        }
        return new FramecastException("Cannot write " + file + ": " + reason + ".", e);
    }

    /** Temporary files are made for the owner alone; a result should follow the usual permissions. */
    private static void makeReadable(Path file) throws IOException {
        try {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        } catch (UnsupportedOperationException e) {
            // Not a POSIX file system: there is nothing to widen.
        }
    }

    private static void deleteQuietly(Path file) {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                // The first failure is the one to report.
            }
        }
    }
}
