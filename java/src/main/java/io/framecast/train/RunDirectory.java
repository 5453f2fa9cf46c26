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
 * Where a training run keeps its files: {@code config.json}, {@code steps.csv}, {@code metrics.csv} and
 * {@code checkpoints/}. A {@link Trainer} writes them, of which it is a listener: the first of them, so that what the
 * others hear is on disk. While this is open no other process can use the run.
 *
 * <p>What the run is, its config, stands in {@code config.json} for people and in the checkpoints for the run itself:
 * these cannot disagree with the parameters beside it.
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
    /** What the last checkpoint says of the run; null where it says nothing. */
    private ObjectNode written;
    private boolean begun;

    private RunDirectory(Path path, boolean resumes, boolean overwrites, Consumer<String> notes) {
        this.path = path;
        this.resumes = resumes;
        this.overwrites = overwrites;
        this.notes = notes;
        this.config = new RunConfig(path.resolve(RunConfig.NAME));
        this.tables = new RunTableWriter(path);
        if (Files.isDirectory(path)) {
            lock();
        }
    }

    /**
     * Where a new run will be. Nothing is written until it begins, so that a run that cannot begin leaves nothing and
     * replaces nothing.
     *
     * @param path the directory, which need not be there yet
     * @param overwrite whether an earlier run's files may be replaced
     * @param notes is told, in a sentence each, what a person should know: what was mended, what does not work here
     * @return the directory, for the caller to close
     * @throws FramecastException if they may not and there are some, or another process has the run
     */
    public static RunDirectory create(Path path, boolean overwrite, Consumer<String> notes) {
        RunDirectory run = new RunDirectory(path, false, overwrite, notes);
        try {
            run.requireNoEarlierRun();
            return run;
        } catch (FramecastException e) {
            run.close();
            throw e;
        }
    }

    /**
     * Where a run will go on. What its files say of later steps than the last checkpoint is dropped, and what is torn
     * is mended, when it does.
     *
     * @param path the directory
     * @param notes as for {@link #create}
     * @return the directory, for the caller to close
     * @throws FramecastException if there is none, or another process has it
     */
    public static RunDirectory resume(Path path, Consumer<String> notes) {
        if (!Files.exists(path.resolve(RunConfig.NAME)) && !Files.exists(lastCheckpoint(path))) {
            throw new FramecastException("There is no run to resume in " + path + ": it has neither "
                    + path.relativize(lastCheckpoint(path)) + " nor config.json.");
        }
        return new RunDirectory(path, true, false, notes);
    }

    /** Takes the run for this process now, where it would be taken when it begins: its directory is not there yet. */
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
     * Reads the last checkpoint of a run that will go on.
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
     * Says what the run is, as far as it is not the model: it is kept in the run's checkpoints and config.
     *
     * @param description as a JSON object
     */
    public void describe(Map<String, ?> description) {
        config.describe(description);
    }

    /** Writes what the run begins or goes on with. If a new run's files cannot be written, none of them is left. */
    @Override
    public void trainingStarted(Checkpoint start) {
        lock();
        if (!resumes) {
            requireNoEarlierRun();
        }
        // What is not there now goes again if not all of it can be written.
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

    /** {@return whether there is something of this run to go on with: its files, its last checkpoint first} */
    public boolean hasBegun() {
        return begun;
    }

    private void write(Checkpoint start) {
        make(lastCheckpoint(path).getParent());
        // First: if the disk cannot take it, an earlier run still stands.
        if (!resumes || !config.description().equals(written)) {
            checkpointMade(start);
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
            // There is nothing to be done about it.
        }
    }

    /** {@return the directory} */
    public Path path() {
        return path;
    }

    /**
     * {@return the file that a run keeps its last state in}
     *
     * @param run its directory
     */
    public static Path lastCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("last.safetensors");
    }

    /**
     * {@return the file that a run keeps its best parameters in}
     *
     * @param run its directory
     */
    public static Path bestCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("best.safetensors");
    }

    /**
     * {@return the files that a run writes, but for its pictures}
     *
     * @param run its directory
     */
    public static List<Path> files(Path run) {
        return List.of(lastCheckpoint(run), bestCheckpoint(run), run.resolve(RunConfig.NAME), RunTable.STEPS.in(run),
                RunTable.METRICS.in(run), run.resolve("loss.png"), run.resolve("report.html"));
    }

    @Override
    public void stepDone(StepMetrics step) {
        tables.add(step);
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        tables.add(epoch);
    }

    @Override
    public void checkpointMade(Checkpoint last) {
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

    /** Ends the use of the directory. Of a run that has not begun nothing is left. */
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
