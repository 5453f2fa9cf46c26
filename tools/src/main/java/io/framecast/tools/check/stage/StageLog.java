package io.framecast.tools.check.stage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import io.framecast.tools.check.golden.Difference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What a stage finds, written line by line as JSON while it runs: if its process crashes or hangs, the lines say what
 * it had done and what it was doing.
 */
public final class StageLog implements AutoCloseable {

    /** The keys of a line; each has one of them. */
    static final String BEGIN = "begin";
    static final String CHECK = "check";
    static final String TABLE = "table";
    static final String SKIPPED = "skipped";
    static final String END = "end";

    /** A check that ended in another way than by a result. */
    static final class SkipException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        SkipException(String why) {
            super(why);
        }
    }

    private final ObjectMapper mapper = new ObjectMapper();
    private final Writer writer;
    private final Function<Throwable, String> sentence;
    private final long end;
    private int late;

    /**
     * @param seconds after which no further check begins
     * @param sentence the message of an exception, for people
     */
    public StageLog(Path file, double seconds, Function<Throwable, String> sentence) {
        this.sentence = sentence;
        end = System.nanoTime() + (long) (seconds * 1e9);
        try {
            writer = Files.newBufferedWriter(file);
        } catch (IOException e) {
            throw new FramecastException("Cannot write " + file + ": " + e.getMessage() + ".", e);
        }
    }

    /** Seconds until no further check begins; negative afterwards. */
    public double secondsLeft() {
        return (end - System.nanoTime()) / 1e9;
    }

    /** Makes a check that compares with a reference. Without time it is left out, and the stage says how many were. */
    public void compare(String name, Supplier<List<Difference>> comparison) {
        run(name, () -> {
            List<Difference> differences = comparison.get();
            Difference worst = differences.stream().max(Comparator.comparingDouble(Difference::share)).orElseThrow(
                    () -> new IllegalStateException("nothing was compared"));
            return new Check(name, worst.isWithin() ? Outcome.PASSED : Outcome.FAILED,
                    worst.isWithin() ? null : worst.toString(), worst.error(), worst.bound(), 0);
        });
    }

    /** Makes a check that fails by an exception, and is skipped by {@link #skip}. */
    public void check(String name, Runnable check) {
        run(name, () -> {
            check.run();
            return new Check(name, Outcome.PASSED, null, null, null, 0);
        });
    }

    /** Ends a check that cannot be made here. */
    public static void skip(String why) {
        throw new SkipException(why);
    }

    private void run(String name, Supplier<Check> work) {
        if (secondsLeft() < 0) {
            late++;
            return;
        }
        write(BEGIN, name);
        long begin = System.nanoTime();
        Check check;
        try {
            check = work.get();
        } catch (SkipException e) {
            check = new Check(name, Outcome.SKIPPED, e.getMessage(), null, null, 0);
        } catch (RuntimeException | Error e) {
            check = new Check(name, Outcome.FAILED, sentence.apply(e), null, null, 0);
        }
        write(CHECK, new Check(check.name(), check.outcome(), check.why(), check.error(), check.bound(),
                (System.nanoTime() - begin) / 1e9));
    }

    /** Adds what was measured or found. */
    public void table(String title, String note, List<String> head, List<List<String>> rows) {
        write(TABLE, new Table(title, note, head, rows));
    }

    /** Says that the whole stage cannot be made here; to be called instead of all else. */
    public void skipped(String why) {
        write(SKIPPED, why);
    }

    private void write(String key, Object value) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put(key, value);
        try {
            writer.write(mapper.writeValueAsString(line) + "\n");
            writer.flush();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Says that the stage came to its end. */
    @Override
    public void close() {
        write(END, late);
        try {
            writer.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
