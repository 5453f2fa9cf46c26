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
 * A range of a file's bytes, read from several threads at once. It is read and not mapped into memory: a mapped file
 * that becomes shorter, or whose disk fails, ends in an error of the virtual machine, somewhere and some time later;
 * and a channel is closed by the first thread that is interrupted while it reads.
 */
final class FileBytes implements AutoCloseable {

    /** In a file's mode. */
    private static final int FILE_TYPE = 0170000;
    private static final int PIPE = 0010000;

    private final Path name;
    private final RandomAccessFile file;
    private final long start;
    private final long size;

    /** @param name what messages call it */
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
        } catch (FileNotFoundException e) { // Says of a file that may not be read the same as of none.
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
     * Reads {@code length} bytes into the beginning of {@code into}.
     *
     * @throws FramecastException if the file does not have them any more, or cannot be read
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

    /** Up to {@code most} bytes from the beginning. */
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
            // It was only read.
        }
    }
}
