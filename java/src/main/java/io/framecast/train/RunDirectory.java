package io.framecast.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.files.AtomicFiles;
import io.framecast.files.JsonFiles;
import io.framecast.nn.ModelJson;
import io.framecast.system.MadeDirectories;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
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

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String MODEL = "model";

    /** What a process that was killed left of files being written, as AtomicFiles names it; by directory. */
    private static final Map<String, Pattern> PARTS = Map.of(
            "", part("(config\\.json|steps\\.csv|metrics\\.csv|loss\\.png|report\\.html)"),
            "checkpoints", part("(last|best)\\.safetensors"),
            "gifs", part("video-\\d+\\.(gif|png)"));

    private final Path path;
    private final boolean resumes;
    private final boolean overwrites;
    private final Consumer<String> notes;
    private final MadeDirectories made = new MadeDirectories();
    private final List<String> epochs = new ArrayList<>();
    private RunLock lock;
    private ObjectNode config = MAPPER.createObjectNode();
    /** What the last checkpoint says of the run; null where it says nothing. */
    private ObjectNode written;
    private boolean begun;
    private BufferedWriter steps;

    private RunDirectory(Path path, boolean resumes, boolean overwrites, Consumer<String> notes) {
        this.path = path;
        this.resumes = resumes;
        this.overwrites = overwrites;
        this.notes = notes;
        if (Files.isDirectory(path)) {
            lock();
        }
    }

    private static Pattern part(String name) {
        return Pattern.compile("\\." + name + "\\.[^.]+\\.part");
    }

    /**
     * Where a new run will be. Nothing is written until it begins, so that a run that cannot begin leaves nothing and
     * replaces nothing.
     *
     * @param overwrite whether an earlier run's files may be replaced
     * @param notes is told, in a sentence each, what a person should know: what was mended, what does not work here
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
     * @param notes as for {@link #create}
     * @throws FramecastException if there is none, or another process has it
     */
    public static RunDirectory resume(Path path, Consumer<String> notes) {
        if (!Files.exists(path.resolve("config.json")) && !Files.exists(lastCheckpoint(path))) {
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
     * The last checkpoint of a run that will go on, with what it needs for that.
     *
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
     * What {@code config.json} says.
     *
     * @throws FramecastException if it cannot be read, or is not a JSON object
     */
    public JsonNode readConfig() {
        Path file = path.resolve("config.json");
        try {
            JsonNode json = MAPPER.readTree(Files.readString(file));
            if (!json.isObject()) {
                throw new FramecastException(file + " is not a JSON object.");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new FramecastException(file + " is not valid JSON: " + JsonFiles.fault(e) + ".", e);
        } catch (IOException e) {
            throw new FramecastException(file + " cannot be read.", e);
        }
    }

    /** Says what the run is, as far as it is not the model: a JSON object, kept in its checkpoints and config. */
    public void describe(Map<String, ?> description) {
        try {
            // As it will be read again, to compare with.
            config = (ObjectNode) MAPPER.readTree(MAPPER.writeValueAsString(description));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Writes what the run begins or goes on with. If a new run's files cannot be written, none of them is left. */
    @Override
    public void trainingStarted(Checkpoint start) {
        lock();
        if (!resumes) {
            requireNoEarlierRun();
        }
        // What is not there now goes again if not all of it can be written.
        List<Path> fresh = isThere() ? List.of() : Stream.of(lastCheckpoint(path), path.resolve("config.json"),
                RunTable.STEPS.in(path), RunTable.METRICS.in(path)).filter(file -> !Files.exists(file)).toList();
        removeParts();
        try {
            write(start);
            begun = true;
        } catch (RuntimeException e) {
            fresh.forEach(RunDirectory::deleteQuietly);
            throw e;
        }
    }

    /** Whether there is something of this run to go on with: its files are there, its last checkpoint first. */
    public boolean hasBegun() {
        return begun;
    }

    private void write(Checkpoint start) {
        make(lastCheckpoint(path).getParent());
        Progress progress = start.training().progress();
        // First: if the disk cannot take it, an earlier run still stands.
        if (!resumes || !config.equals(written)) {
            checkpointMade(start);
        }
        if (!resumes) {
            delete(bestCheckpoint(path));
        }
        if (resumes || !overwrites) {
            keepForeignFiles();
        }
        ObjectNode json = config.deepCopy();
        json.set(MODEL, MAPPER.valueToTree(ModelJson.toMap(start.model())));
        AtomicFiles.write(path.resolve("config.json"), json.toPrettyString() + "\n");
        if (resumes) {
            RunTable.STEPS.mend(path, progress.step(), notes, line -> { });
            RunTable.METRICS.mend(path, progress.epoch(), notes, epochs::add);
        } else {
            AtomicFiles.write(RunTable.STEPS.in(path), RunTable.STEPS.header() + "\n");
            AtomicFiles.write(RunTable.METRICS.in(path), RunTable.METRICS.header() + "\n");
        }
        try {
            steps = Files.newBufferedWriter(RunTable.STEPS.in(path), StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(path), e);
        }
    }

    /** What has the name of a run's file, and is somebody's: it is moved aside, not replaced. */
    private void keepForeignFiles() {
        Path json = path.resolve("config.json");
        if (Files.exists(json) && !isEmpty(json) && !isConfig()) {
            keepAside(json);
        }
        for (RunTable table : RunTable.values()) {
            if (table.isForeign(path)) {
                keepAside(table.in(path));
            }
        }
    }

    private static boolean isEmpty(Path file) {
        try {
            return Files.isRegularFile(file) && Files.size(file) == 0;
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
    }

    private boolean isConfig() {
        try {
            return readConfig().has(MODEL);
        } catch (FramecastException e) {
            return false;
        }
    }

    private void keepAside(Path file) {
        for (int k = 1;; k++) {
            Path aside = file.resolveSibling(file.getFileName() + ".kept-" + k);
            if (!Files.exists(aside, LinkOption.NOFOLLOW_LINKS)) {
                try {
                    Files.move(file, aside);
                } catch (IOException e) {
                    throw AtomicFiles.cannotWrite(aside, e);
                }
                notes.accept(file + " was not as a run leaves it; it is " + aside + " now, and written anew.");
                return;
            }
        }
    }

    /** What a process that was killed was writing. Only names of this run's files: others may be at work beside it. */
    private void removeParts() {
        PARTS.forEach((name, part) -> {
            Path directory = path.resolve(name);
            if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && !name.isEmpty()) {
                return;
            }
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, ".*.part")) {
                for (Path file : files) {
                    if (part.matcher(file.getFileName().toString()).matches()
                            && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                        deleteQuietly(file);
                    }
                }
            } catch (IOException e) {
                // They are in nobody's way.
            }
        });
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

    /** The directory. */
    public Path path() {
        return path;
    }

    /** The file that a run in this directory keeps its last state in. */
    public static Path lastCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("last.safetensors");
    }

    /** The file that a run in this directory keeps its best parameters in. */
    public static Path bestCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("best.safetensors");
    }

    /** The files that a run in the directory writes, but for its pictures. */
    public static List<Path> files(Path run) {
        return List.of(lastCheckpoint(run), bestCheckpoint(run), run.resolve("config.json"), RunTable.STEPS.in(run),
                RunTable.METRICS.in(run), run.resolve("loss.png"), run.resolve("report.html"));
    }

    @Override
    public void stepDone(StepMetrics step) {
        try {
            steps.write(step.step() + "," + step.loss() + "," + seconds(step.seconds()) + "\n");
            steps.flush();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(path), e);
        }
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        epochs.add(epoch.epoch() + "," + epoch.loss() + ","
                + (Double.isNaN(epoch.validationLoss()) ? "" : epoch.validationLoss()) + "," + epoch.learningRate()
                + "," + seconds(epoch.seconds()));
        AtomicFiles.write(RunTable.METRICS.in(path), out -> {
            out.write((RunTable.METRICS.header() + "\n").getBytes(StandardCharsets.UTF_8));
            for (String line : epochs) {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        });
    }

    private static String seconds(double seconds) {
        return String.format(Locale.ROOT, "%.4f", seconds);
    }

    @Override
    public void checkpointMade(Checkpoint last) {
        last.describedBy(config).write(lastCheckpoint(path));
    }

    @Override
    public void bestFound(Checkpoint best) {
        best.describedBy(config).write(bestCheckpoint(path));
    }

    @Override
    public Path lastCheckpoint() {
        return lastCheckpoint(path);
    }

    /** Ends the use of the directory. Of a run that has not begun nothing is left. */
    @Override
    public void close() {
        try {
            if (steps != null) {
                steps.close();
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(path), e);
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
