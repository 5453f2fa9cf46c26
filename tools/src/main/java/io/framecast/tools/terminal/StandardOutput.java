package io.framecast.tools.terminal;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/** The process's standard output, which knows why it could not be written to. {@code System.out} knows only whether. */
public final class StandardOutput extends FileOutputStream {

    private static final int FILE_TYPE = 0170000;
    private static final int PIPE = 0010000;

    private static volatile String failure = "it is closed";

    private StandardOutput() {
        super(FileDescriptor.out);
    }

    /** Has {@code System.out} write here from now on, in the characters that it has had. */
    public static void take() {
        // Java 17 knows the first of a terminal only, and under the second name.
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

    /** Why it could not be written to, where {@code System.out} says so: "No space left on device". */
    public static String failure() {
        return failure;
    }

    /** Whether it is a pipe, which can be written to as long as somebody reads. */
    public static boolean isPipe() {
        try {
            int mode = (int) Files.getAttribute(Path.of("/proc/self/fd/1"), "unix:mode");
            return (mode & FILE_TYPE) == PIPE;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
