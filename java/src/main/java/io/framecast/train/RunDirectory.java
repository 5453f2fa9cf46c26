package io.framecast.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.AtomicFiles;
import io.framecast.FramecastException;
import io.framecast.JsonFiles;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongPredicate;

/**
 * Where a training run keeps its files: {@code config.json}, {@code steps.csv}, {@code metrics.csv} and
 * {@code checkpoints/}.
 */
public final class RunDirectory implements AutoCloseable {

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String STEPS_HEADER = "step,loss,seconds";
    private static final String METRICS_HEADER = "epoch,loss,val_loss,lr,seconds";

    private final Path path;
    private final Runnable preparation;
    private BufferedWriter steps;

    private RunDirectory(Path path, Runnable preparation) {
        this.path = path;
        this.preparation = preparation;
    }

    /** Until this is called nothing is written, so that a run that cannot begin leaves nothing and replaces nothing. */
    void begin() {
        preparation.run();
        try {
            steps = Files.newBufferedWriter(stepsFile(), StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(stepsFile(), e);
        }
    }

    /**
     * Where a new run will be.
     *
     * @param config written to {@code config.json}
     * @param overwrite whether an earlier run's files may be replaced
     * @throws FramecastException if they may not and there are some
     */
    public static RunDirectory create(Path path, Map<String, Object> config, boolean overwrite) {
        if (!overwrite && Files.exists(lastCheckpoint(path))) {
            throw new FramecastException(path + " holds a run already: go on with it by --resume " + path
                    + ", choose another --out, or replace it by --overwrite.");
        }
        return new RunDirectory(path, () -> {
            for (Path earlier : List.of(bestCheckpoint(path), lastCheckpoint(path))) {
                delete(earlier);
            }
            writeConfig(path, config);
            AtomicFiles.write(path.resolve("steps.csv"), STEPS_HEADER + "\n");
            AtomicFiles.write(path.resolve("metrics.csv"), METRICS_HEADER + "\n");
        });
    }

    /**
     * Where a run will go on from the given progress: what its files say of later steps is dropped.
     *
     * @param config as it is now: the limits of the run may be others than before
     */
    public static RunDirectory resume(Path path, Map<String, Object> config, Progress progress) {
        return new RunDirectory(path, () -> {
            writeConfig(path, config);
            keep(path.resolve("steps.csv"), STEPS_HEADER, step -> step <= progress.step());
            keep(path.resolve("metrics.csv"), METRICS_HEADER, epoch -> epoch <= progress.epoch());
        });
    }

    private static void delete(Path file) {
        try {
            if (Files.exists(file)) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
    }

    private static void writeConfig(Path path, Map<String, Object> config) {
        JsonFiles.write(path.resolve("config.json"), config);
    }

    /** The config that a run in {@code path} was begun with. */
    public static JsonNode config(Path path) {
        Path file = path.resolve("config.json");
        try {
            return MAPPER.readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw new FramecastException(file + " is not valid JSON.", e);
        } catch (IOException e) {
            throw new FramecastException("There is no run to resume in " + path + ": cannot read " + file + ".", e);
        }
    }

    public Path path() {
        return path;
    }

    public static Path lastCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("last.safetensors");
    }

    public static Path bestCheckpoint(Path run) {
        return run.resolve("checkpoints").resolve("best.safetensors");
    }

    private Path stepsFile() {
        return path.resolve("steps.csv");
    }

    void add(StepMetrics step) {
        try {
            steps.write(step.step() + "," + step.loss() + "," + seconds(step.seconds()) + "\n");
            steps.flush();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(stepsFile(), e);
        }
    }

    void add(EpochMetrics epoch) {
        Path file = path.resolve("metrics.csv");
        String row = epoch.epoch() + "," + epoch.loss() + ","
                + (Double.isNaN(epoch.validationLoss()) ? "" : epoch.validationLoss()) + "," + epoch.learningRate()
                + "," + seconds(epoch.seconds());
        List<String> lines = new ArrayList<>(lines(file));
        lines.add(row);
        AtomicFiles.write(file, String.join("\n", lines) + "\n");
    }

    private static String seconds(double seconds) {
        return String.format(Locale.ROOT, "%.4f", seconds);
    }

    void saveLast(Checkpoint checkpoint) {
        checkpoint.write(lastCheckpoint(path));
    }

    void saveBest(Checkpoint checkpoint) {
        checkpoint.write(bestCheckpoint(path));
    }

    private static void keep(Path file, String header, LongPredicate wanted) {
        List<String> kept = new ArrayList<>(List.of(header));
        for (String line : Files.exists(file) ? lines(file) : List.<String>of()) {
            String first = line.split(",", 2)[0];
            if (first.matches("\\d{1,18}") && wanted.test(Long.parseLong(first))) {
                kept.add(line);
            }
        }
        AtomicFiles.write(file, String.join("\n", kept) + "\n");
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }

    @Override
    public void close() {
        if (steps == null) {
            return;
        }
        try {
            steps.close();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(stepsFile(), e);
        }
    }
}
