package io.framecast.data;

import io.framecast.FramecastException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A range of a file's bytes; several threads may read it at once. It is not mapped into memory: if a mapped file is
 * truncated or its disk fails, the JVM throws an InternalError at an unpredictable place. It is not a FileChannel: an
 * interrupt of a reading thread would close that for all threads.
 */
final class FileBytes implements AutoCloseable {

    /** The bits of st_mode that give the file type. */
    private static final int FILE_TYPE = 0170000;
    private static final int PIPE = 0010000;

    private final Path name;
    private final RandomAccessFile file;
    private final long start;
    private final long size;

    /** @param name the name used in messages */
    FileBytes(Path name, RandomAccessFile file, long start, long size) {
        this.name = name;
        this.file = file;
        this.start = start;
        this.size = size;
    }

    /** The whole of a file. */
    static FileBytes open(Path path) throws IOException {
        RandomAccessFile file = openToRead(path);
        return new FileBytes(path, file, 0, file.length());
    }

    /** A part of a file. */
    static FileBytes open(Path path, long start, long size) throws IOException {
        return new FileBytes(path, openToRead(path), start, size);
    }

    private static RandomAccessFile openToRead(Path path) throws IOException {
        if (Files.exists(path) && ((int) Files.getAttribute(path, "unix:mode") & FILE_TYPE) == PIPE) {
            throw new FramecastException(path + " is a pipe; save it to a file first.");
        }
        try {
            return new RandomAccessFile(path.toFile(), "r");
        } catch (FileNotFoundException e) { // Thrown for "no permission", too: newByteChannel tells.
            Files.newByteChannel(path).close();
            throw e;
        }
    }

    /** What went wrong, in one sentence. */
    static FramecastException cannotRead(Path name, IOException e) {
        String reason = e instanceof NoSuchFileException ? "there is no such file"
                : e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
        return new FramecastException("Cannot read " + name + ": " + reason + ".", e);
    }

    long size() {
        return size;
    }

    /**
     * Reads {@code length} bytes to the start of {@code into}.
     *
     * @throws FramecastException if the file has become too short, or cannot be read
     */
    void read(long position, byte[] into, int length) {
        try {
            synchronized (file) {
                file.seek(start + position);
                file.readFully(into, 0, length);
            }
        } catch (EOFException e) {
            throw new FramecastException(name + " was cut short while it was being read; copy it again.", e);
        } catch (IOException e) {
            throw cannotRead(name, e);
        }
    }

    /** The first {@code most} bytes, or fewer if there are fewer. */
    byte[] head(int most) {
        byte[] head = new byte[(int) Math.min(most, size)];
        read(0, head, head.length);
        return head;
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // It was only read: no data can be lost.
        }
    }
}
