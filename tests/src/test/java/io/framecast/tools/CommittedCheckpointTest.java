package io.framecast.tools;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A checkpoint that Framecast 0.1.0 wrote within a run's second epoch. Every later version must be able to read it. It
 * was made with
 *
 * <pre>
 * framecast train --device cpu --threads 1 --batch-size 2 --validation-split 0.25 --epochs 3 --steps 5 --lr 0.01
 *     --seed 7
 * framecast predict --context 3 --frames 2
 * framecast train --resume r2 --steps 9
 * </pre>
 *
 * with the videos and the model of {@link Workplace}: {@code last.safetensors}, {@code forecast.npy}, and
 * {@code resumed-steps.csv} with the steps after the fifth. Do not regenerate these files.
 */
class CommittedCheckpointTest {

    /** Other instruction sets sum in a different order; all values are of the order of 1. */
    private static final double TOLERANCE = 1e-5;

    @TempDir
    Path directory;

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = CommittedCheckpointTest.class.getResourceAsStream("checkpoint-0.1.0/" + name)) {
            return in.readAllBytes();
        }
    }

    private Path copy(String resource, String file) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        return Files.write(path, resource(resource));
    }

    @Test
    void givesTheSameForecast() throws IOException {
        Workplace work = Workplace.in(directory);
        Path output = directory.resolve("output.npy");
        Cli.run("predict --threads 1 --context 3 --frames 2 --checkpoint", copy("last.safetensors", "old.safetensors"),
                "--input", work.data(), "--output", output).done();
        Npy expected = Npy.read(copy("forecast.npy", "forecast.npy"));
        Npy actual = Npy.read(output);
        assertEquals(expected.shape(), actual.shape());
        assertClose("forecast", expected.values(), actual.values(), TOLERANCE);
    }

    @Test
    void isResumedWithinTheEpoch() throws IOException {
        Workplace work = Workplace.in(directory);
        copy("last.safetensors", "run/checkpoints/last.safetensors");
        Cli.Result said = Cli.run("train --steps 9 --data", work.data(), "--resume", directory.resolve("run"));
        // With warnings about the run's other files, which are missing.
        assertEquals(0, said.status(), said::toString);
        List<String> expected = new String(resource("resumed-steps.csv"), StandardCharsets.UTF_8).lines().toList();
        List<String> actual = Files.readAllLines(directory.resolve("run/steps.csv"));
        assertEquals(expected.size(), actual.size());
        for (int k = 1; k < expected.size(); k++) {
            String[] old = expected.get(k).split(",");
            String[] now = actual.get(k).split(",");
            assertEquals(old[0], now[0]);
            assertEquals(Double.parseDouble(old[1]), Double.parseDouble(now[1]), TOLERANCE, "loss of step " + old[0]);
        }
        // The second epoch's loss includes the two steps before the checkpoint.
        String epoch = Files.readAllLines(directory.resolve("run/metrics.csv")).get(1);
        assertTrue(epoch.startsWith("2,"), epoch);
        assertEquals((0.647692180921634 + 0.6665406772866845 + 0.6030234554161628) / 3,
                Double.parseDouble(epoch.split(",")[1]), TOLERANCE);
    }
}
