package io.framecast.train;

import io.framecast.files.AtomicFiles;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** Writes the tables of a run: steps are appended; epochs, of which there are few, are replaced as a whole. */
final class RunTableWriter implements AutoCloseable {

    private final Path run;
    private final List<String> epochs = new ArrayList<>();
    private BufferedWriter steps;

    RunTableWriter(Path run) {
        this.run = run;
    }

    /** Begins both tables, empty. */
    void create() {
        AtomicFiles.write(RunTable.STEPS.in(run), RunTable.STEPS.header() + "\n");
        AtomicFiles.write(RunTable.METRICS.in(run), RunTable.METRICS.header() + "\n");
        openSteps();
    }

    /** Goes on with the tables that are there, up to {@code progress}; {@code notes} is told what was mended. */
    void resume(Progress progress, Consumer<String> notes) {
        RunTable.STEPS.mend(run, progress.step(), notes, line -> { });
        RunTable.METRICS.mend(run, progress.epoch(), notes, epochs::add);
        openSteps();
    }

    private void openSteps() {
        try {
            steps = Files.newBufferedWriter(RunTable.STEPS.in(run), StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(run), e);
        }
    }

    void add(StepMetrics step) {
        try {
            steps.write(step.step() + "," + step.loss() + "," + seconds(step.seconds()) + "\n");
            steps.flush();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(run), e);
        }
    }

    void add(EpochMetrics epoch) {
        epochs.add(epoch.epoch() + "," + epoch.loss() + ","
                + (Double.isNaN(epoch.validationLoss()) ? "" : epoch.validationLoss()) + "," + epoch.learningRate()
                + "," + seconds(epoch.seconds()));
        AtomicFiles.write(RunTable.METRICS.in(run), out -> {
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
    public void close() {
        try {
            if (steps != null) {
                steps.close();
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(RunTable.STEPS.in(run), e);
        }
    }
}
