package io.framecast.tools.check.stage;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;

/** Reads all that a process prints, so that it never waits for a reader, and keeps the end of it. */
final class OutputEnd {

    private static final int KEPT = 20_000;

    /** How long what a process has printed may take to arrive after its end. */
    private static final int REST_MILLISECONDS = 2000;

    private final StringBuilder text = new StringBuilder();
    private final Thread reader;

    OutputEnd(InputStream output) {
        reader = new Thread(() -> read(output), "output of a process");
        reader.setDaemon(true);
        reader.start();
    }

    private void read(InputStream output) {
        char[] buffer = new char[4096];
        try (Reader in = new InputStreamReader(output, StandardCharsets.UTF_8)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                synchronized (text) {
                    text.append(buffer, 0, n);
                    text.delete(0, Math.max(0, text.length() - KEPT));
                }
            }
        } catch (IOException e) {
            // The process was ended.
        }
    }

    /** To be called after the process has ended. A child of it that lives on and holds the pipe is not waited for. */
    String text() throws InterruptedException {
        reader.join(REST_MILLISECONDS);
        synchronized (text) {
            return text.toString();
        }
    }
}
