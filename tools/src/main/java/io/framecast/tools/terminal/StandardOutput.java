package io.framecast.tools.terminal;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The process's standard output. It keeps the reason of a failed write; {@code System.out} only tells that there was
 * one.
 */
public final class StandardOutput extends FileOutputStream {

    private static final int FILE_TYPE = 0170000;
    private static final int PIPE = 0010000;

    private static volatile String failure = "it is closed";

    private StandardOutput() {
        super(FileDescriptor.out);
    }

    /** Replaces {@code System.out}, with the same character set. */
    public static void take() {
        // Java 17 does not have the first property, and has the second only for a terminal.
        String charset = System.getProperty("stdout.encoding", System.getProperty("sun.stdout.encoding"));
        System.setOut(new PrintStream(new BufferedOutputStream(new StandardOutput()), true,
                charset == null ? Charset.defaultCharset() : Charset.forName(charset)));
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
        try {
            super.write(bytes, from, count);
        } catch (IOException e) {
            failure = e.getMessage();
            throw e;
        }
    }

    /** Why a write failed, after {@code System.out} has reported an error: "No space left on device". */
    public static String failure() {
        return failure;
    }

    /** Whether it is a pipe: then writing fails once no process reads it. */
    public static boolean isPipe() {
        try {
            int mode = (int) Files.getAttribute(Path.of("/proc/self/fd/1"), "unix:mode");
            return (mode & FILE_TYPE) == PIPE;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
