package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.text.Count;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A table of a run, with one line per step or epoch. Its file may have been truncated, damaged or edited: invalid lines
 * are skipped, and a note says how many.
 */
public enum RunTable {
    /** {@code steps.csv}: one line per optimiser step. */
    STEPS("steps.csv", "step,loss,seconds", "step", -1),
    /** {@code metrics.csv}: one line per epoch. */
    METRICS("metrics.csv", "epoch,loss,val_loss,lr,seconds", "epoch", 2);

    /**
     * A line of the table. Losses may be NaN or infinite.
     *
     * @param line the text of the line
     * @param number the step or epoch, from its first column
     * @param cells its columns
     */
    public record Row(String line, long number, List<String> cells) {

        /**
         * {@return the number in a column; NaN if the column is empty}
         *
         * @param column counted from 0
         */
        public double value(int column) {
            return isEmpty(column) ? Double.NaN : parse(cells.get(column));
        }

        /**
         * {@return whether a column is empty, as {@code val_loss} is without validation}
         *
         * @param column counted from 0
         */
        public boolean isEmpty(int column) {
            return cells.get(column).isEmpty();
        }
    }

    private final String fileName;
    private final String header;
    private final String what;
    private final int optional;

    RunTable(String fileName, String header, String what, int optional) {
        this.fileName = fileName;
        this.header = header;
        this.what = what;
        this.optional = optional;
    }

    String header() {
        return header;
    }

    Path in(Path run) {
        return run.resolve(fileName);
    }

    /**
     * Reads the table.
     *
     * @param run the directory of the run
     * @param notes receives a message if lines were skipped
     * @return the rows, sorted by number
     * @throws FramecastException if there is no such file, or it cannot be read
     */
    public List<Row> read(Path run, Consumer<String> notes) {
        List<Row> rows = new ArrayList<>();
        Scan scan = scan(in(run), Long.MAX_VALUE, rows::add);
        if (scan.unread > 0) {
            notes.accept(in(run) + ": " + Count.of(scan.unread, "line") + " could not be used and "
                    + (scan.unread == 1 ? "is" : "are") + " left out.");
        }
        return rows;
    }

    /** Whether the file exists and has no line of such a table. */
    boolean isForeign(Path run) {
        if (!Files.exists(in(run))) {
            return false;
        }
        if (!Files.isRegularFile(in(run))) {
            return true;
        }
        Scan scan = scan(in(run), Long.MAX_VALUE, row -> { });
        return scan.rows == 0 && scan.unread > 0 && !scan.header;
    }

    /**
     * Repairs the file for a run that resumes: it will have the header, and the valid lines of steps or epochs up to
     * {@code last}.
     *
     * @param notes receives a message about what was repaired
     * @param kept receives these lines, without the header
     */
    void mend(Path run, long last, Consumer<String> notes, Consumer<String> kept) {
        Path file = in(run);
        boolean missing = !Files.exists(file);
        Scan[] scan = {new Scan()};
        AtomicFiles.write(file, out -> {
            out.write((header + "\n").getBytes(StandardCharsets.UTF_8));
            if (!missing) {
                scan[0] = scan(file, last, row -> {
                    kept.accept(row.line);
                    try {
                        out.write((row.line + "\n").getBytes(StandardCharsets.UTF_8));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
            }
        });
        long lost = last - scan[0].rows;
        List<String> mended = new ArrayList<>();
        if (missing && last > 0) {
            mended.add("it was missing");
        } else if (scan[0].unread > 0) {
            mended.add(Count.of(scan[0].unread, "line") + " could not be used and "
                    + (scan[0].unread == 1 ? "was" : "were") + " dropped");
        } else if (scan[0].headerMissing()) {
            mended.add("it had no header and has one again");
        }
        if (lost > 0) {
            mended.add("it has no line for " + lost + " of " + last + " " + what + "s");
        }
        if (!mended.isEmpty()) {
            notes.accept(file + " was mended: " + String.join("; ", mended) + ".");
        }
    }

    /** What a scan of the file found, besides the rows. */
    private static final class Scan {
        private boolean header;
        private long rows;
        private long unread;
        private boolean anything;

        private boolean headerMissing() {
            return anything && !header;
        }
    }

    /**
     * Reads the rows up to {@code last}, and leaves out rows that are out of order: a row whose number is not above
     * that of the row before, and a row whose number is not below that of the row after it if that row continues the
     * rows before.
     */
    private Scan scan(Path file, long last, Consumer<Row> each) {
        Scan scan = new Scan();
        try {
            boolean torn = !endsWithNewline(file);
            // In this encoding all bytes are valid.
            try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
                long before = 0;
                Row candidate = null;
                String next = in.readLine();
                for (boolean first = true; next != null; first = false) {
                    String line = next;
                    next = in.readLine();
                    scan.anything |= !line.isBlank();
                    if (line.isBlank()) {
                        continue;
                    }
                    if (first && line.equals(header)) {
                        scan.header = true;
                        continue;
                    }
                    Row row = row(line);
                    if (row == null || next == null && torn && !isWhole(row)) {
                        scan.unread++;
                        continue;
                    }
                    if (row.number > last) {
                        continue;
                    }
                    if (row.number <= before) {
                        scan.unread++;
                        continue;
                    }
                    if (candidate != null && row.number > candidate.number) {
                        each.accept(candidate);
                        scan.rows++;
                        before = candidate.number;
                    } else if (candidate != null) {
                        scan.unread++;
                    }
                    candidate = row;
                }
                if (candidate != null) {
                    each.accept(candidate);
                    scan.rows++;
                }
            }
        } catch (UncheckedIOException e) {
            throw AtomicFiles.cannotWrite(file, e.getCause());
        } catch (NoSuchFileException e) {
            throw new FramecastException("Cannot read " + file + ": there is no such file.", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
        return scan;
    }

    private static boolean endsWithNewline(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            return channel.size() == 0 || channel.read(last, channel.size() - 1) == 1 && last.get(0) == '\n';
        }
    }

    /** Null if the line is not a row. */
    private Row row(String line) {
        List<String> cells = List.of(line.split(",", -1));
        if (cells.size() != header.split(",").length || !cells.get(0).matches("[1-9]\\d{0,17}")) {
            return null;
        }
        for (int k = 1; k < cells.size(); k++) {
            if (!(k == optional && cells.get(k).isEmpty()) && !isNumber(cells.get(k))) {
                return null;
            }
        }
        return new Row(line, Long.parseLong(cells.get(0)), cells);
    }

    /** Whether the last line is complete although its line break is missing. */
    private static boolean isWhole(Row row) {
        return row.cells.get(row.cells.size() - 1).matches("\\d+\\.\\d{4}");
    }

    private static boolean isNumber(String text) {
        try {
            parse(text);
            return true;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** Parses Java's formats of numbers, and also Python's of NaN and infinity. */
    private static double parse(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "nan" -> Double.NaN;
            case "inf", "infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }
}
