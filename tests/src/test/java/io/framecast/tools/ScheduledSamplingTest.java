package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.tools.check.golden.Golden;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
        int[] shape = c.shape("videos");
        float[] values = c.values("videos");
        int frame = shape[2] * shape[3] * shape[4];
        float[] videos = new float[values.length];
        for (int t = 0; t < shape[0]; t++) {
            for (int n = 0; n < shape[1]; n++) {
                System.arraycopy(values, (t * shape[1] + n) * frame, videos, (n * shape[0] + t) * frame, frame);
            }
        }
        return Npy.write(directory.resolve("videos.npy"), "(%d, %d, %d, %d, %d)".formatted(shape[1], shape[0], shape[2],
                shape[3], shape[4]), videos);
    }

    private Path checkpoint() {
        Map<String, HostTensor> parameters = new HashMap<>();
        for (String name : c.named("value.")) {
            parameters.put(name, new HostTensor(c.shape("value." + name), c.values("value." + name)));
        }
        Path file = directory.resolve("start.safetensors");
        new Checkpoint(ModelJson.parse(c.settings().get("model").toString(), c.name()), parameters, null).write(file);
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
