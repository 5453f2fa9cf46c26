package io.framecast.tools.terminal;

import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBarConsumer;

/**
 * The line of a terminal that a progress bar is drawn on, anew each time: as wide as the terminal is then. It uses
 * nothing but carriage return and spaces, which every terminal has. (The library's own line keeps the width that it
 * began with, and asks a native library for it.)
 */
final class ProgressLine implements ProgressBarConsumer {

    private final PrintStream out;
    private int shown;

    ProgressLine(PrintStream out) {
        this.out = out;
    }

    /** One less than there is room for: many terminals go on to the next line when the last column is written. */
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
