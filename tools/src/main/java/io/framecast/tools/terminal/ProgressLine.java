package io.framecast.tools.terminal;

import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBarConsumer;

/**
 * The line of the terminal with the progress bar. It is redrawn each time, with the present width of the terminal,
 * using only carriage return and spaces, so that it works on every terminal. (The progress bar library reads the width
 * once, at the start, from a native library.)
 */
final class ProgressLine implements ProgressBarConsumer {

    private final PrintStream out;
    private int shown;

    ProgressLine(PrintStream out) {
        this.out = out;
    }

    /** One less than the width: many terminals wrap when the last column is written. */
    @Override
    public int getMaxRenderedLength() {
        return Terminal.columns() - 1;
    }

    @Override
    public void accept(String rendered) {
        int room = getMaxRenderedLength();
        String line = rendered.length() <= room ? rendered : rendered.substring(0, room);
        out.print('\r' + line + " ".repeat(Math.max(0, Math.min(shown, room) - line.length())));
        out.flush();
        shown = line.length();
    }

    @Override
    public void clear() {
        accept("");
        out.print('\r');
        out.flush();
    }

    @Override
    public void close() {
        out.println();
        out.flush();
    }
}
