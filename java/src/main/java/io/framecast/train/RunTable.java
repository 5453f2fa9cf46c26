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
 * A table of a run, with a line for each step or epoch. Its file may have been cut, torn or edited: lines that say
 * nothing are passed over, and counted in a note.
 */
public enum RunTable {
    /** {@code steps.csv}: a line for each optimiser step. */
    STEPS("steps.csv", "step,loss,seconds", "step", -1),
    /** {@code metrics.csv}: a line for each epoch. */
    METRICS("metrics.csv", "epoch,loss,val_loss,lr,seconds", "epoch", 2);

    /**
     * A line of the table. Losses may be NaN or infinite.
     *
     * @param line as it stands in the file
     * @param number of the step or epoch, its first column
     * @param cells its columns
     */
    public record Row(String line, long number, List<String> cells) {

        /**
         * The number in a column.
         *
         * @param column counted from 0
         * @return NaN also where the column is empty
         */
        public double value(int column) {
            return isEmpty(column) ? Double.NaN : parse(cells.get(column));
        }

        /** Whether there is nothing in a column: no validation, no {@code val_loss}. */
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
     * The rows, in the order of their numbers.
     *
     * @param notes is told, in a sentence, of lines that were passed over
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

    /** Whether the file is there and has not one line of such a table. */
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
     * Makes the file one that can be gone on with: its header, and a line for each step or epoch up to {@code last}.
     *
     * @param notes is told, in a sentence, what was mended
     * @param kept is given these lines, without the header
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

    /** What was found in a file beside the rows that were given on. */
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
     * Reads the rows up to {@code last}. Of rows that are out of order, those are left out without which the others are
     * in order: one that is not above the row before it, and one that is not below the row after it where that one
     * fits.
     */
    private Scan scan(Path file, long last, Consumer<Row> each) {
        Scan scan = new Scan();
        try {
            boolean torn = !endsWithNewline(file);
            // Any bytes are a text in this encoding.
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

    /** Null for a line that is no row. */
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

    /** Whether its last column has all its digits, though the end of the line is missing. */
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

    /** As Java writes numbers, and NaN and infinity also as Python does. */
    private static double parse(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "nan" -> Double.NaN;
            case "inf", "infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }
}
