package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.data.Videos;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training with scheduled sampling and the cosine schedule against PyTorch in float64, which follows the definitions:
 * {@code scheduled_sampling()} of make_golden.py recomputes the whole sequence for each sampled frame.
 */
class ScheduledSamplingTest {

    /**
     * Relative tolerance for losses after up to nine steps of Adam in float32. One frame without sampling changes them
     * by more.
     */
    private static final double TOLERANCE = 1e-5;

    @TempDir
    Path directory;

    private final Golden.Case c = Golden.load("scheduled_sampling").named("run");

    /** The videos, (N, T, H, W, C) of the time-major tensor. */
    private Path data() {
        Videos of = GoldenRecipe.videos(c);
        int size = of.frames() * of.frameSize();
        float[] videos = new float[of.count() * size];
        for (int n = 0; n < of.count(); n++) {
            System.arraycopy(of.get(n).values(), 0, videos, n * size, size);
        }
        return Npy.write(directory.resolve("videos.npy"), "(%d, %d, %d, %d, %d)".formatted(of.count(), of.frames(),
                of.height(), of.width(), of.channels()), videos);
    }

    private Path checkpoint() {
        Path file = directory.resolve("start.safetensors");
        GoldenRecipe.start(c).write(file);
        return file;
    }

    private static double[] column(Path file, String name) throws IOException {
        List<String> lines = Files.readAllLines(file);
        int column = List.of(lines.get(0).split(",")).indexOf(name);
        return lines.stream().skip(1).mapToDouble(line -> Double.parseDouble(line.split(",")[column])).toArray();
    }

    private static void assertClose(String what, double[] expected, double[] actual, double tolerance) {
        assertEquals(expected.length, actual.length, what);
        for (int k = 0; k < expected.length; k++) {
            assertEquals(expected[k], actual[k], tolerance * expected[k], what + " " + (k + 1));
        }
    }

    @Test
    void lossesAndLearningRatesAreThoseOfTheDefinitions() throws IOException {
        Path run = directory.resolve("run");
        int all = c.number("videos") + c.number("validation");
        Cli.run("train --threads 1 --no-shuffle --lr-schedule cosine --batch-size " + c.number("batch")
                + " --epochs " + c.number("epochs") + " --lr " + c.settings().get("learning_rate")
                + " --scheduled-sampling " + c.settings().get("sampling").get(0)
                + " --validation-split " + (double) c.number("validation") / all + " --init", checkpoint(),
                "--data", data(), "--layout", "nthwc", "--out", run).done();
        assertClose("loss of step", c.numbers("losses"), column(run.resolve("steps.csv"), "loss"), TOLERANCE);
        Path metrics = run.resolve("metrics.csv");
        assertClose("validation loss of epoch", c.numbers("validation_losses"), column(metrics, "val_loss"), TOLERANCE);
        // The rate of the epoch's last step: for step k + 1 of K it is (1 + cos(pi k / K)) / 2 times the given rate.
        assertClose("rate of epoch", c.numbers("rates"), column(metrics, "lr"), 1e-12);
    }
}
