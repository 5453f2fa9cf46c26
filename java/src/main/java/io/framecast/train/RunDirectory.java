package io.framecast.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.files.AtomicFiles;
import io.framecast.system.MadeDirectories;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The directory with the files of a training run: {@code config.json}, {@code steps.csv}, {@code metrics.csv} and
 * {@code checkpoints/}. It is a listener of a {@link Trainer}. Pass it as the first listener, so that its files are
 * written before the other listeners are called. While it is open, no other process can use the run.
 *
 * <p>The description of the run (its config) is written to {@code config.json} for readers and into the checkpoints for
 * resuming: a checkpoint is one file, so that its config always belongs to its parameters.
 */
public final class RunDirectory implements TrainingListener, AutoCloseable {

    private final Path path;
    private final boolean resumes;
    private final boolean overwrites;
    private final Consumer<String> notes;
    private final MadeDirectories made = new MadeDirectories();
    private final RunConfig config;
    private final RunTableWriter tables;
    private RunLock lock;
    /** The run's description in the last checkpoint; null if it has none. */
    private ObjectNode written;
    /** The description from the first step on; null if it does not change then. */
    private Map<String, ?> next;
    private boolean begun;

    private RunDirectory(Path path, boolean resumes, boolean overwrites, Consumer<String> notes) {
        this.path = path;
        this.resumes = resumes;
        this.overwrites = overwrites;
        this.notes = notes;
        this.config = new RunConfig(path.resolve(RunConfig.NAME));
        this.tables = new RunTableWriter(path);
    }

    private RunDirectory locked() {
        if (Files.isDirectory(path)) {
            lock();
        } else {
            AtomicFiles.requireDirectory(path);
        }
        return this;
    }

    /**
     * The directory of a run that another process creates or resumes and writes to, to read from.
     *
     * @param path the directory; it need not exist
     * @return the directory, which is never locked, and must not be the listener of a trainer that calls it
     */
    public static RunDirectory ofOther(Path path) {
        return new RunDirectory(path, false, false, note -> { });
    }

    /**
     * Creates the directory of a new run. Nothing is written until the run starts, so that a run that cannot start
     * creates and replaces no files.
     *
     * @param path the directory; it need not exist
     * @param overwrite whether an earlier run's files may be replaced
     * @param notes receives messages for the user, one sentence each: files that were repaired, features that the file
     *     system does not have
     * @return the directory, for the caller to close
     * @throws FramecastException if there are such files and they may not be replaced, or another process uses the run
     */
    public static RunDirectory create(Path path, boolean overwrite, Consumer<String> notes) {
        RunDirectory run = new RunDirectory(path, false, overwrite, notes).locked();
        try {
            run.requireNoEarlierRun();
            return run;
        } catch (FramecastException e) {
            run.close();
            throw e;
        }
    }

    /**
     * Opens the directory of a run to resume. When the run starts, rows of steps after the last checkpoint are dropped,
     * and damaged files are repaired.
     *
     * @param path the directory
     * @param notes as for {@link #create}
     * @return the directory, for the caller to close
     * @throws FramecastException if there is no run, or another process uses it
     */
    public static RunDirectory resume(Path path, Consumer<String> notes) {
        if (!Files.exists(path.resolve(RunConfig.NAME)) && !Files.exists(lastCheckpoint(path))) {
            throw new FramecastException("There is no run to resume in " + path + ": it has neither "
                    + path.relativize(lastCheckpoint(path)) + " nor config.json.");
        }
        return new RunDirectory(path, true, false, notes).locked();
    }

    /** Locks a new run for this process now, instead of when it starts. Creates the directory. */
    public void lock() {
        if (lock == null) {
            make(path);
            lock = RunLock.take(path, notes);
        }
    }

    private void make(Path directory) {
        try {
            made.make(directory);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(directory, e);
        }
    }

    private void requireNoEarlierRun() {
        if (!overwrites && isThere()) {
            throw new FramecastException(path + " holds a run already: resume it, choose another directory, or "
                    + "overwrite it.", Remedy.RESUME_RUN, Remedy.OTHER_DIRECTORY, Remedy.OVERWRITE_RUN);
        }
    }

    private boolean isThere() {
        return Stream.of(lastCheckpoint(path), bestCheckpoint(path), RunTable.STEPS.in(path), RunTable.METRICS.in(path))
                .anyMatch(Files::exists);
    }

    /**
     * Reads the last checkpoint of a run to resume.
     *
     * @return a checkpoint with training state
     * @throws FramecastException if it cannot be read, or has no training state
     */
    public Checkpoint last() {
        Checkpoint last = Checkpoint.read(lastCheckpoint(path));
        if (last.training() == null) {
            throw new FramecastException(lastCheckpoint(path) + " holds no training state to resume.");
        }
        written = last.training().run();
        return last;
    }

    /**
     * Reads {@code config.json}.
     *
     * @return a JSON object
     * @throws FramecastException if it cannot be read, or is not a JSON object
     */
    public JsonNode readConfig() {
        return config.read();
    }

    /**
     * Sets the description of the run, without the model. It is written into the run's checkpoints and config.
     *
     * @param description as a JSON object
     */
    public void describe(Map<String, ?> description) {
        config.describe(description);
    }

    /**
     * Sets the description of the run from its first step on: what computes the next steps may be something else than
     * what computed those before. The first checkpoint with such a step has it, and then the config.
     *
     * @param description as a JSON object
     */
    public void describeFromNextStep(Map<String, ?> description) {
        next = description;
    }

    /**
     * Writes the files with which the run starts or resumes. If a new run's files cannot be written, all of them are
     * removed.
     */
    @Override
    public void trainingStarted(Checkpoint start) {
        lock();
        if (!resumes) {
            requireNoEarlierRun();
        }
        // If not all files can be written, those that did not exist before are removed again.
        List<Path> fresh = isThere() ? List.of() : Stream.of(lastCheckpoint(path), path.resolve(RunConfig.NAME),
                RunTable.STEPS.in(path), RunTable.METRICS.in(path)).filter(file -> !Files.exists(file)).toList();
        RunCleanup.removeParts(path);
        try {
            write(start);
            begun = true;
        } catch (RuntimeException e) {
            fresh.forEach(RunDirectory::deleteQuietly);
            throw e;
        }
    }

    /**
     * {@return whether the run can be resumed, that is, whether its first files, with the last checkpoint, were
     * written}
     */
    public boolean hasBegun() {
        return begun;
    }

    private void write(Checkpoint start) {
        make(lastCheckpoint(path).getParent());
        // The checkpoint first: if the disk is full, an earlier run's files stay complete.
        if (!resumes || !config.description().equals(written)) {
            writeLast(start);
        }
        if (!resumes) {
            delete(bestCheckpoint(path));
        }
        if (resumes || !overwrites) {
            RunCleanup.keepForeignFiles(path, config, notes);
        }
        config.write(start.model());
        if (resumes) {
            tables.resume(start.training().progress(), notes);
        } else {
            tables.create();
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // It stays; that does no harm.
        }
    }

    /** {@return the directory} */
    public Path path() {
        return path;
    }

    /**
     * {@return the checkpoint with the last state of a run}
     *
     * @param run its directory
     */
    public static Path lastCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("last.safetensors");
    }

    /**
     * {@return the checkpoint with the best parameters of a run}
     *
     * @param run its directory
     */
    public static Path bestCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("best.safetensors");
    }

    /**
     * {@return the clips of the video files that a run trains on, if it trains on such files}
     *
     * @param run its directory
     */
    public static Path clips(Path run) {
        return run.resolve("videos.npy");
    }

    /**
     * {@return the files that a run writes, without its pictures}
     *
     * @param run its directory
     */
    public static List<Path> files(Path run) {
        return List.of(lastCheckpoint(run), bestCheckpoint(run), run.resolve(RunConfig.NAME), RunTable.STEPS.in(run),
                RunTable.METRICS.in(run), run.resolve("loss.png"), run.resolve("report.html"));
    }

    @Override
    public void stepDone(StepMetrics step) {
        if (next != null) {
            config.describe(next);
            next = null;
        }
        tables.add(step);
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        tables.add(epoch);
    }

    @Override
    public void checkpointMade(Checkpoint last) {
        writeLast(last);
        if (!config.isWritten()) {
            config.write(last.model());
        }
    }

    private void writeLast(Checkpoint last) {
        last.describedBy(config.description()).write(lastCheckpoint(path));
    }

    @Override
    public void bestFound(Checkpoint best) {
        best.describedBy(config.description()).write(bestCheckpoint(path));
    }

    @Override
    public Path lastCheckpoint() {
        return lastCheckpoint(path);
    }

    /** Unlocks the run. If the run has not started, everything that was created for it is removed. */
    @Override
    public void close() {
        try {
            tables.close();
        } finally {
            if (lock != null) {
                lock.close();
                lock = null;
            }
            if (!begun) {
                made.removeEmpty();
            }
        }
    }
}
