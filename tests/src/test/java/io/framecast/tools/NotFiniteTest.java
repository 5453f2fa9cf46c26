package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import io.framecast.train.Checkpoint;
import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NaN and infinity: forecasts that overflow, baselines without error, runs that diverge. */
class NotFiniteTest {

    private static final String MODEL = """
            {"input": {"height": 4, "width": 4, "channels": 1}, "layers": [
              {"type": "Conv3D", "filters": 1, "kernel_size": [1, 1, 1], "activation": "linear"}]}
            """;

    @TempDir
    Path directory;
    /** Four videos of 20 white frames that do not change. */
    private Path still;

    @BeforeEach
    void prepare() {
        float[] white = new float[4 * 20 * 16];
        Arrays.fill(white, 1);
        still = Npy.write(directory.resolve("still.npy"), "(4, 20, 4, 4)", white);
    }

    /** A model that multiplies each pixel: forecast k of a white frame is factor^k. */
    private Path multiplier(float factor) {
        ModelConfig model = ModelJson.parse(MODEL, "test");
        Map<String, HostTensor> parameters = Parameters.initial(model, 1);
        Arrays.fill(parameters.get("layers.0.kernel").values(), factor);
        Path file = directory.resolve("multiplier.safetensors");
        new Checkpoint(model, parameters, null).write(file);
        return file;
    }

    @Test
    void aForecastThatOverflowsIsASentenceAndNothingIsReplaced() throws IOException {
        // 1e38 is in the range of float32, 1e40 is not.
        Path checkpoint = multiplier(100);
        Path output = Workplace.write(directory.resolve("y.npy"), "as it was");
        Path json = Workplace.write(directory.resolve("scores.json"), "as it was");
        Cli.run("predict --context 1 --frames 19 --checkpoint", checkpoint, "--input", still, "--output", output)
                .done();
        Workplace.write(output, "as it was");
        Cli.run("predict --context 1 --frames 20 --checkpoint", checkpoint, "--input", still, "--output", output)
                .refused(1, "video 0", "frame 20", "not finite",
                        "Predict fewer --frames, or use another checkpoint.");
        Path other = multiplier(1e20f);
        Cli.run("evaluate --context 10 --frames 10 --checkpoint", other, "--data", still, "--json", json)
                .refused(1, "video 0", "frame 2 ", "not finite",
                        "Predict fewer --frames, or use another checkpoint.");
        Path gifs = directory.resolve("gifs");
        Cli.run("gifs --context 10 --count 1 --validation-split 0.25 --checkpoint", other, "--data", still, "--out",
                gifs).refused(1, "video 3", "frame 2 (counted from 1). Use another checkpoint.");
        assertFalse(Files.exists(gifs));
        assertEquals("as it was", Files.readString(output));
        assertEquals("as it was", Files.readString(json));
        float[] grey = new float[32];
        Arrays.fill(grey, 0.5f);
        Path two = Npy.write(directory.resolve("two.npy"), "(1, 2, 4, 4)", grey);
        Cli.run("predict --teacher-forced --checkpoint", infinite(), "--input", two, "--output", output)
                .refused(1, "video 0", "frame 1 (counted from 1). Use another checkpoint.");
        assertEquals("as it was", Files.readString(output));
    }

    /** A model with finite parameters whose output is infinite everywhere: two layers of biases. */
    private Path infinite() {
        ModelConfig model = ModelJson.parse(MODEL.replace("]}\n", """
                ,{"type": "Conv3D", "filters": 1, "kernel_size": [1, 1, 1], "activation": "linear"}]}
                """), "test");
        Map<String, HostTensor> parameters = Parameters.initial(model, 1);
        parameters.values().forEach(tensor -> Arrays.fill(tensor.values(), 1e30f));
        Path file = directory.resolve("infinite.safetensors");
        new Checkpoint(model, parameters, null).write(file);
        return file;
    }

    @Test
    void scoresOfWildForecastsAreShortAndOfStillVideosAreInWords() throws IOException {
        Path json = directory.resolve("scores.json");
        String table = Cli.run("evaluate --context 10 --json " + json + " --checkpoint", multiplier(1000), "--data",
                still).done().out();
        String numbers = table.substring(table.indexOf("\nframe "));
        assertFalse(numbers.matches("(?s).*(\\d{9}|NaN|Infinity).*"), table);
        assertTrue(table.contains("e+") && table.contains("that of repeating the last frame is 0"), table);
        JsonNode scores = SafeTensorsFile.json(Files.readString(json));
        assertTrue(scores.get("mse_reduction").isNull(), "there is nothing to reduce");
        assertTrue(scores.at("/model/mse/mean").isNumber());

        table = Cli.run("evaluate --context 10 --checkpoint", multiplier(1), "--data", still).done().out();
        assertTrue(table.contains("The mean MSE is 0, and so is that of repeating the last frame"), table);

        float[] moving = new float[4 * 20 * 16];
        for (int i = 0; i < moving.length; i++) {
            moving[i] = i / 16 % 20 / 20f;
        }
        Path ramp = Npy.write(directory.resolve("ramp.npy"), "(4, 20, 4, 4)", moving);
        table = Cli.run("evaluate --context 10 --checkpoint", multiplier(1000), "--data", ramp).done().out();
        assertTrue(table.matches("(?s).*The mean MSE is [\\d.]+e\\+\\d\\d times that of repeating the last frame.\\s*"),
                table);
    }

    @Test
    void aRunWhoseForecastsOverflowHasItsReport() throws IOException {
        Path run = directory.resolve("run");
        // The loss of one step is finite, a forecast of ten frames is not.
        Cli.Result result = Cli.run("train --loss mean_squared_error --lr 1e-30 --steps 1 --init",
                multiplier(30_000), "--data", still, "--out", run);
        assertEquals(0, result.status(), result::toString);
        assertTrue(result.err().contains("The report shows no forecasts") && result.err().contains("video 3"),
                result::toString);
        assertTrue(result.err().contains("train again, with a smaller learning rate.")
                && !result.err().contains("checkpoint"), result::toString);
        String report = Files.readString(run.resolve("report.html"));
        assertTrue(report.contains("There are no forecasts to show. The model&#39;s forecast for video 3")
                && report.contains("train again, with a smaller learning rate.</p>"), report);
        assertFalse(report.contains("NaN%") || report.contains("Infinity"), report);
    }

    @Test
    void aRunThatDivergesHasItsReport() throws IOException {
        Path run = directory.resolve("run");
        Cli.run("train --loss mean_squared_error --lr 1e30 --steps 5 --batch-size 1 --scheduled-sampling 0.9 "
                + "--lr-schedule cosine --seed 7 --model",
                Workplace.write(directory.resolve("model.json"), MODEL), "--data", still, "--out", run)
                .refused(1, "step ");
        String report = Files.readString(run.resolve("report.html"));
        assertTrue(report.contains("<p class=\"notice\">Training failed. The loss became "), report);
        for (String fact : new String[] {"<dt>Data</dt><dd>" + still, "<dt>Seed</dt><dd>7</dd>",
            "<dt>Schedule</dt><dd>learning rate goes down", "<dt>Scheduled sampling</dt><dd>after 90%",
            "<dt>Command</dt><dd>framecast train --device cpu --loss mean_squared_error --lr 1e30 --steps 5 ",
            "<dt>Precision</dt><dd>fp32</dd>", "<dt>Threads</dt><dd>"}) {
            assertTrue(report.contains(fact), fact + " is not in " + report);
        }
    }
}
