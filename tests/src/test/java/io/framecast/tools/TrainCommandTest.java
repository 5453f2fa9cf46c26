package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.data.Fingerprint;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.Split;
import io.framecast.nn.Adam;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Models;
import io.framecast.nn.Network;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import io.framecast.train.SafeTensorsFile;
import io.framecast.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    private Cli.Result train(String options, Path run) {
        return Cli.run("train --threads 2 --batch-size 2 " + options + " --data", work.data(), "--model", work.model(),
                "--out",
                run);
    }

    private static Path last(Path run) {
        return run.resolve("checkpoints/last.safetensors");
    }

    private static Path best(Path run) {
        return run.resolve("checkpoints/best.safetensors");
    }

    private static List<String> csv(Path run, String file, int columns) throws IOException {
        return Files.readAllLines(run.resolve(file)).stream()
                .map(line -> String.join(",", Arrays.copyOf(line.split(","), columns))).toList();
    }

    private static void assertSameRun(Path expected, Path actual) throws IOException {
        SafeTensorsFile.assertSame(last(expected), last(actual));
        SafeTensorsFile.assertSame(best(expected), best(actual));
        assertEquals(csv(expected, "steps.csv", 2), csv(actual, "steps.csv", 2));
        assertEquals(csv(expected, "metrics.csv", 4), csv(actual, "metrics.csv", 4));
    }

    @Test
    void aRunLeavesTheFilesThatOtherProgramsRelyOn() throws IOException {
        Path run = work.file("run");
        train("--epochs 2 --videos 4 --seed 11", run).done();
        List<String> steps = Files.readAllLines(run.resolve("steps.csv"));
        assertEquals("step,loss,seconds", steps.get(0));
        // Of 4 videos 3 are for training: two batches an epoch.
        assertEquals(5, steps.size());
        for (int k = 1; k < steps.size(); k++) {
            assertTrue(steps.get(k).matches(k + ",0\\.\\d+,\\d+\\.\\d+"), steps.get(k));
        }
        List<String> metrics = Files.readAllLines(run.resolve("metrics.csv"));
        assertEquals("epoch,loss,val_loss,lr,seconds", metrics.get(0));
        assertEquals(3, metrics.size());
        assertTrue(metrics.get(2).matches("2,0\\.\\d+,0\\.\\d+,0\\.001,\\d+\\.\\d+"), metrics.get(2));

        JsonNode config = SafeTensorsFile.json(Files.readString(run.resolve("config.json")));
        assertEquals(11, config.at("/options/seed").longValue());
        assertEquals(2, config.at("/options/batch-size").intValue());
        assertEquals("binary_crossentropy", config.at("/options/loss").textValue());
        assertEquals("ConvLSTM2D", config.at("/model/layers/0/type").textValue());
        for (Path checkpoint : List.of(last(run), best(run))) {
            SafeTensorsFile file = SafeTensorsFile.read(checkpoint);
            assertEquals("[3,3,3,12]", file.shape("layers.0.recurrent_kernel").toString());
            assertEquals("[3,3,1,12]", file.shape("optimizer.v.layers.0.kernel").toString());
            assertEquals(config.get("model"), SafeTensorsFile.json(file.metadata("framecast.model")));
        }
        JsonNode progress = SafeTensorsFile.json(SafeTensorsFile.read(last(run)).metadata("framecast.training"));
        assertEquals(4, progress.get("step").intValue());
        assertEquals(2, progress.get("epoch").intValue());
        byte[] png = Files.readAllBytes(run.resolve("loss.png"));
        assertArrayEquals(new byte[] {(byte) 0x89, 'P', 'N', 'G'}, Arrays.copyOf(png, 4));
        String report = Files.readString(run.resolve("report.html"));
        assertTrue(report.contains("ConvLSTM2D") && report.contains("data:image/gif;base64,"));
        assertFalse(report.contains("src=\"http") || report.contains("href=\"http"), "the report stands alone");
    }

    @Test
    void lossesAreThoseOfALoopOverTheVideosInTheirOrder() throws IOException {
        Path init = work.init();
        Path run = work.file("run");
        train("--epochs 2 --videos 3 --validation-split 0 --no-shuffle --lr 0.01 --init " + init, run).done();
        List<String> rows = Files.readAllLines(run.resolve("steps.csv"));
        double[] expected = losses(init, 3, 2, 2, 0.01);
        assertEquals(expected.length + 1, rows.size());
        for (int k = 0; k < expected.length; k++) {
            // The same network; only the order of the sums in the loss differs.
            assertEquals(expected[k], Double.parseDouble(rows.get(k + 1).split(",")[1]), 1e-6 * expected[k], "step "
                    + (k + 1));
        }
        assertEquals("", csv(run, "metrics.csv", 4).get(1).split(",")[2], "no validation, no val_loss");
    }

    /**
     * The losses, by definition from the logits, of epochs of batches in the order of the videos; the last may be
     * smaller.
     */
    private double[] losses(Path init, int count, int batchSize, int epochs, double learningRate) throws IOException {
        ModelConfig model = ModelJson.parse(Files.readString(work.model()), "test");
        int frames = Workplace.VIDEOS.frames() - 1;
        int frame = Workplace.VIDEOS.frameSize();
        int batches = (count + batchSize - 1) / batchSize;
        double[] losses = new double[epochs * batches];
        try (TestBackend backend = TestBackend.fp32()) {
            Network network = backend.own(
                    Network.forTraining(backend.get(), model, Loss.BINARY_CROSSENTROPY, frames, batchSize));
            network.parameters().set(parameters(init, model));
            LossOp loss = backend.own(
                    backend.get().loss(Loss.BINARY_CROSSENTROPY_FROM_LOGITS, (long) frames * batchSize * frame));
            Adam adam = backend.own(new Adam(network));
            for (int step = 0; step < losses.length; step++) {
                int first = step % batches * batchSize;
                int size = Math.min(batchSize, count - first);
                float[] inputs = new float[frames * size * frame];
                float[] targets = new float[frames * size * frame];
                for (int k = 0; k < size; k++) {
                    float[] video = Workplace.VIDEOS.get(first + k).values();
                    for (int t = 0; t < frames; t++) {
                        System.arraycopy(video, t * frame, inputs, (t * size + k) * frame, frame);
                        System.arraycopy(video, (t + 1) * frame, targets, (t * size + k) * frame, frame);
                    }
                }
                Tensor outputs = network.forward(backend.tensor(inputs), frames, size, true);
                float[] logits = new float[targets.length];
                outputs.read(0, logits, 0, logits.length);
                for (int i = 0; i < logits.length; i++) {
                    losses[step] += (Math.max(logits[i], 0) - (double) logits[i] * targets[i]
                            + Math.log1p(Math.exp(-Math.abs(logits[i])))) / logits.length;
                }
                loss.forward(outputs, backend.tensor(targets), targets.length, true);
                network.backward(loss.gradient());
                adam.begin(learningRate);
                adam.update();
            }
        }
        return losses;
    }

    static Map<String, HostTensor> parameters(Path checkpoint, ModelConfig model) {
        SafeTensorsFile file = SafeTensorsFile.read(checkpoint);
        Map<String, HostTensor> parameters = new HashMap<>();
        model.parameters().forEach((name, spec) ->
                parameters.put(name, new HostTensor(spec.shape(), file.values(name))));
        return parameters;
    }

    @Test
    void aStoppedRunGoesOnBitForBitAndKeepsItsOptionsAndLimits() throws IOException {
        Path whole = work.file("whole");
        String options = "--videos 6 --validation-split 0.1 --seed 3 --lr 0.01 --precision bf16 ";
        train(options + "--epochs 3", whole).done();
        Path pieces = work.file("pieces");
        train(options + "--steps 4", pieces).done();
        // Half of the second epoch is done, and has a row of its own.
        assertEquals(3, csv(pieces, "metrics.csv", 4).size());
        // Without a new limit there is nothing left to do.
        Cli.run("train --resume", pieces).done();
        assertEquals(5, csv(pieces, "steps.csv", 2).size());
        Cli.run("train --steps 5 --resume", pieces).done();
        assertFalse(Cli.run("train --epochs 3 --resume", pieces).done().out().contains("until now"));
        assertSameRun(whole, pieces);
        // The run keeps that limit.
        Cli.run("train --resume", pieces).done();
        assertSameRun(whole, pieces);
        assertEquals(3,
                SafeTensorsFile.json(Files.readString(pieces.resolve("config.json"))).at("/options/epochs").intValue());
    }

    /** Six videos to train on, in batches of two: three steps per epoch. */
    @Test
    void ofTwoLimitsTheFirstThatComesEndsARunAlsoAfterItResumed() throws IOException {
        Path whole = work.file("whole");
        String options = "--validation-split 0.25 ";
        train(options + "--epochs 2", whole).done();
        Path run = work.file("run");
        train(options + "--epochs 2 --steps 2", run).done();
        // The steps go on to the eighth, but two epochs have six.
        Cli.run("train --steps 8 --resume", run).done();
        assertSameRun(whole, run);
        assertLimits("2", "8", run);
        assertTrue(Cli.run("train --resume", run).done().out().contains(
                "the run has made its epochs; go on with more by --epochs N\n"));
        Cli.run("train --epochs 3 --resume", run).done();
        assertLimits("3", "8", run);
        assertEquals(1 + 8, csv(run, "steps.csv", 2).size());
        assertTrue(Cli.run("train --resume", run).done().out().contains(
                "the run has made its steps; go on with more by --steps N\n"));
        assertTrue(Cli.run("train --epochs 2 --resume", run).done().out().contains(
                "the run has made its epochs and steps; go on with more by --epochs N --steps N\n"));
    }

    private static void assertLimits(String epochs, String steps, Path run) throws IOException {
        JsonNode options = SafeTensorsFile.json(Files.readString(run.resolve("config.json"))).path("options");
        assertEquals(List.of(epochs, steps), List.of(options.path("epochs").asText(), options.path("steps").asText()));
    }

    @Test
    void whatNoEpochHasJudgedYetIsTheBest() throws IOException {
        Path run = work.file("run");
        train("--steps 1 --videos 3 --validation-split 0", run).done();
        SafeTensorsFile.assertSame(last(run), best(run));
        Cli.run("train --steps 2 --resume", run).done();
        SafeTensorsFile.assertSame(last(run), best(run));
    }

    @Test
    void aRunIsNotOverwrittenUnlessAskedTo() throws IOException {
        Path run = work.file("run");
        train("--steps 1", run).done();
        byte[] first = Files.readAllBytes(last(run));
        Map<String, String> before = work.contents();
        train("--steps 1 --seed 2", run).refused(1, run.toString(), "--resume", "--overwrite");
        // A run that cannot start replaces nothing, even with --overwrite.
        Path other = Workplace.write(work.file("other.json"),
                Files.readString(work.model()).replace("\"filters\": 1", "\"filters\": 2"));
        before.put(other.toString(), work.contents().get(other.toString()));
        Cli.run("train --overwrite --steps 1 --data", work.data(), "--model", other, "--out", run)
                .refused(1, "6x10x1", "6x10x2");
        assertEquals(before, work.contents());
        train("--steps 1 --seed 2 --overwrite", run).done();
        assertNotEquals(Arrays.toString(first), Arrays.toString(Files.readAllBytes(last(run))));
        assertEquals(2, Files.readAllLines(run.resolve("steps.csv")).size());
    }

    @Test
    void aRunThatCannotBeResumedSaysWhy() throws IOException {
        Path run = work.file("run");
        train("--steps 1", run).done();
        Map<String, String> before = work.contents();
        Cli.run("train --resume", work.file("nowhere")).refused(1, "no run to resume", "nowhere");
        Cli.run("train --resume", directory).refused(1, "no run to resume");
        for (String changed : List.of("--lr 0.1", "--batch-size 3", "--seed 9", "--no-shuffle", "--videos 3",
                "--precision fp32", "--model keras", "--validation-split 0.5", "--threads 1",
                "--loss mean_squared_error", "--init x.safetensors")) {
            Cli.run("train " + changed + " --resume", run).refused(2, changed.split(" ")[0], "resume");
        }
        Cli.run("train --out", work.file("elsewhere"), "--resume", run).refused(2, "--out");
        assertEquals(before, work.contents());

        Files.move(last(run), work.file("kept"));
        Cli.run("train --resume", run).refused(1, "There is no checkpoint", "cp " + best(run) + " " + last(run),
                "--init " + best(run));
        Files.copy(work.init(), last(run));
        Cli.run("train --resume", run).refused(1, "no training state", "--init " + best(run));
        Files.delete(best(run));
        Cli.run("train --resume", run).refused(1, "no training state", "--init " + last(run));
        Files.write(last(run), new byte[0]);
        Cli.run("train --resume", run).refused(1, "cut short", "--out " + run + " --overwrite");
    }

    /**
     * Changes a run to the form of version 0.1.0: its options are only in config.json, and there is no fingerprint of
     * its videos.
     */
    static void asByAnEarlierVersion(Path run) throws IOException {
        for (Path checkpoint : List.of(last(run), best(run))) {
            SafeTensorsFile contents = SafeTensorsFile.read(checkpoint);
            ObjectNode metadata = (ObjectNode) contents.header().get("__metadata__");
            ObjectNode state = (ObjectNode) SafeTensorsFile.json(metadata.get("framecast.training").textValue());
            state.remove("run");
            metadata.put("framecast.training", state.toString());
            contents.write(checkpoint);
        }
        ObjectNode config = (ObjectNode) SafeTensorsFile.json(Files.readString(run.resolve("config.json")));
        config.remove("data");
        Files.writeString(run.resolve("config.json"), config.toPrettyString());
    }

    @Test
    void aRunOfAnEarlierVersionGoesOnByItsConfig() throws IOException {
        Path whole = work.file("whole");
        train("--steps 5", whole).done();
        Path run = work.file("run");
        train("--steps 3", run).done();
        asByAnEarlierVersion(run);
        Path config = run.resolve("config.json");
        String good = Files.readString(config);
        Files.writeString(config, good.substring(5));
        Cli.run("train --resume", run).refused(1, "config.json", "JSON");
        Files.writeString(config, "{\"framecast\": \"0.1.0\"}");
        Cli.run("train --resume", run).refused(1, "config.json", "options");
        for (String[] wrong : new String[][] {{"batch-size", "\"two\""}, {"precision", "\"fp64\""},
            {"data", "\"v\\u0000.npy\""}, {"init", "\"v\\u0000\""}, {"seed", "[]"}}) {
            ObjectNode json = (ObjectNode) SafeTensorsFile.json(good);
            ((ObjectNode) json.get("options")).set(wrong[0], SafeTensorsFile.json(wrong[1]));
            Files.writeString(config, json.toString());
            Cli.run("train --resume", run).refused(1, "config.json", wrong[0], wrong[1]);
        }
        Files.writeString(config, good.replace("\"batch-size\" : 2", "\"batch-size\" : 0"));
        Cli.run("train --resume", run).refused(1, "config.json has a wrong value", "--batch-size");
        Files.writeString(config, good);
        // Without a fingerprint, the videos cannot be checked.
        Cli.Result result = Cli.run("train --steps 5 --data", Files.move(work.data(), work.file("moved.npy")),
                "--resume", run);
        assertEquals(0, result.status(), result::toString);
        assertTrue(result.err().lines().count() == 1 && result.err().contains("cannot be told"), result::toString);
        assertSameRun(whole, run);
        // Now the fingerprint is written.
        assertEquals(8, SafeTensorsFile.json(Files.readString(config)).at("/data/videos").intValue());
    }

    /** Asserts success, with one line of warning per part. */
    private static Cli.Result warned(Cli.Result result, String... says) {
        assertEquals(0, result.status(), result::toString);
        List<String> lines = result.err().lines().toList();
        assertEquals(says.length, lines.size(), result::toString);
        for (int k = 0; k < says.length; k++) {
            String line = lines.get(k);
            assertTrue(line.startsWith("framecast: warning: ") && line.contains(says[k]),
                    () -> line + " for " + result);
        }
        return result;
    }

    private static void append(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.APPEND);
    }

    @Test
    void tornTablesAreMendedAndTheReportIsMadeAllTheSame() throws IOException {
        Path whole = work.file("whole");
        train("--epochs 2 --videos 4", whole).done();
        Path run = work.file("run");
        train("--epochs 1 --videos 4", run).done();
        append(run.resolve("steps.csv"), "3");
        append(run.resolve("metrics.csv"), "1,x\n\0\0");
        warned(Cli.run("train --epochs 2 --resume", run), "steps.csv was mended: 1 line ",
                "metrics.csv was mended: 2 lines ");
        assertSameRun(whole, run);
        // Resuming a finished run repairs its files and writes the report again.
        append(run.resolve("steps.csv"), "3");
        Files.delete(run.resolve("report.html"));
        warned(Cli.run("train --resume", run), "steps.csv was mended: 1 line ");
        assertSameRun(whole, run);
        assertTrue(Files.exists(run.resolve("report.html")));
    }

    @Test
    void aReportWithoutTheBestCheckpointShowsTheLastAndSaysSo() throws IOException {
        Path run = work.file("run");
        train("--epochs 1", run).done();
        Path report = run.resolve("report.html");
        assertTrue(Files.readString(report).contains("<dt>Forecasts</dt><dd>best checkpoint, validation videos"));
        Files.delete(best(run));
        Files.delete(report);
        warned(Cli.run("train --resume", run), best(run)
                + " is missing: the report shows forecasts of the last checkpoint.");
        String made = Files.readString(report);
        assertTrue(made.contains("<dt>Forecasts</dt><dd>last checkpoint (best is missing), validation videos"), made);
        assertTrue(made.contains("data:image/gif;base64,") && !made.contains("class=\"notice\""), made);
        Files.delete(last(run));
        try (TestBackend backend = TestBackend.fp32()) {
            RunReport.write(backend.get(), run, Split.of(Workplace.VIDEOS, 0.25), TrainingSettings.builder()
                    .epochs(1).batchSize(2).build(), new RunReport.About("none", "", "", null), null);
        }
        made = Files.readString(report);
        assertTrue(made.contains("<p class=\"notice\">There are no forecasts to show: the best and the last checkpoint "
                + "are missing.</p>") && !made.contains("data:image"), made);
    }

    @Test
    void aReportThatFailsDoesNotFailTheRun() throws IOException {
        Path run = work.file("run");
        Files.createDirectories(run.resolve("loss.png"));
        Cli.Result result = warned(train("--steps 1", run), "its report failed. Cannot write " + run + "/loss.png");
        assertTrue(result.err().endsWith("framecast train --resume " + run + "\n"), result::toString);
        assertFalse(result.out().contains("report:"), result::toString);
        Files.delete(run.resolve("loss.png"));
        assertTrue(Cli.run("train --resume", run).done().out().contains("report: " + run.resolve("report.html")));
        assertTrue(Files.exists(run.resolve("report.html")));
    }

    @Test
    void aRunKnowsItsVideosWhereverTheyAre() throws IOException {
        Path whole = work.file("whole");
        train("--steps 5", whole).done();
        Path run = work.file("run");
        train("--steps 2", run).done();
        Path moved = Files.move(work.data(), work.file("moved.npy"));
        Map<String, String> before = work.contents();
        Cli.run("train --steps 3 --resume", run).refused(1, "no longer in " + work.data(), "--data");
        // Files to compare: the same videos; one pixel changed; other shapes.
        MovingSquares videos = Workplace.VIDEOS;
        float[][] values = new float[videos.count()][];
        for (int k = 0; k < values.length; k++) {
            values[k] = videos.get(k).values();
        }
        Path turned = Npy.write(work.file("turned.npy"), "(5, 8, 6, 10)", framesFirst(values));
        before.put(turned.toString(), work.contents().get(turned.toString()));
        values[4][7] = 1 - values[4][7];
        Path other = Npy.write(work.file("other.npy"), "(8, 5, 6, 10)", join(values));
        Path fewer = Npy.write(work.file("fewer.npy"), new MovingSquares(7, 5, 6, 10, 1));
        Path longer = Npy.write(work.file("longer.npy"), new MovingSquares(8, 6, 6, 10, 1));
        Path larger = Npy.write(work.file("larger.npy"), new MovingSquares(8, 5, 6, 12, 1));
        for (Path file : List.of(other, fewer, longer, larger)) {
            before.put(file.toString(), work.contents().get(file.toString()));
        }
        Cli.run("train --data", other, "--resume", run).refused(1, other.toString(), run.toString(), "other pixels");
        Cli.run("train --data", fewer, "--resume", run).refused(1, "it has 7 videos, not 8");
        Cli.run("train --data", longer, "--resume", run).refused(1, "videos of 6 frames, not 5");
        Cli.run("train --data", larger, "--resume", run).refused(1, "frames of 6x12x1, not 6x10x1");
        Cli.run("train --data generated --resume", run).refused(1, "it has 1000 videos, not 8");
        assertEquals(before, work.contents());

        // The same videos in another file, and with the axes in another order.
        Cli.run("train --steps 3 --data", moved, "--resume", run).done();
        Cli.run("train --steps 4 --layout tnhw --data", turned, "--resume", run).done();
        // The run keeps the new path; other videos in that file are noticed.
        Cli.run("train --steps 5 --resume", run).done();
        assertSameRun(whole, run);
        Files.copy(other, turned, StandardCopyOption.REPLACE_EXISTING);
        Cli.run("train --layout nthw --resume", run).refused(1, turned.toString(), "other pixels");
    }

    private static float[] join(float[][] parts) {
        float[] all = new float[parts.length * parts[0].length];
        for (int k = 0; k < parts.length; k++) {
            System.arraycopy(parts[k], 0, all, k * parts[k].length, parts[k].length);
        }
        return all;
    }

    private static float[] framesFirst(float[][] videos) {
        float[] all = new float[videos.length * videos[0].length];
        for (int k = 0; k < videos.length; k++) {
            for (int frame = 0; frame < 5; frame++) {
                System.arraycopy(videos[k], frame * 60, all, (frame * videos.length + k) * 60, 60);
            }
        }
        return all;
    }

    /** Trains a model of one layer, which learns from every pixel, on generated videos. */
    private Cli.Result generated(String options, Path run) {
        String model = "{\"input\": {\"height\": 64, \"width\": 64, \"channels\": 1}, \"layers\": [{"
                + "\"type\": \"Conv3D\", \"filters\": 1, \"kernel_size\": 1, \"activation\": \"sigmoid\"}]}";
        return Cli.run("train --threads 1 --data generated --batch-size 1 " + options + " --model",
                Workplace.write(work.file("g.json"), model), "--out", run);
    }

    @Test
    void generatedVideosAreKnownToo() {
        Path run = work.file("run");
        generated("--steps 1 --videos 1 --validation-split 0", run).done();
        Cli.run("train --steps 2 --resume", run).done();
    }

    @Test
    void freshVideosAreNewInEveryEpochAndTheRunResumesWithThem() throws IOException {
        Path fixed = work.file("fixed");
        Path whole = work.file("whole");
        Path stopped = work.file("stopped");
        String options = "--videos 4 --validation-split 0.25 --seed 3 ";
        generated(options + "--epochs 3", fixed).done();
        generated(options + "--epochs 3 --fresh", whole).done();
        List<String> losses = csv(whole, "steps.csv", 2);
        assertEquals(csv(fixed, "steps.csv", 2).subList(0, 4), losses.subList(0, 4), "the first epoch is the same");
        assertNotEquals(csv(fixed, "steps.csv", 2).subList(4, 7), losses.subList(4, 7));
        generated(options + "--steps 5 --fresh", stopped).done();
        Cli.run("train --steps 9 --resume", stopped).done();
        assertEquals(losses, csv(stopped, "steps.csv", 2));
        assertEquals(csv(whole, "metrics.csv", 3).get(3), csv(stopped, "metrics.csv", 3).get(3));
        Cli.run("train --fresh --steps 12 --resume", stopped).refused(2, "--fresh cannot change");
        assertTrue(SafeTensorsFile.json(Files.readString(whole.resolve("config.json"))).at("/options/fresh")
                .booleanValue());
    }

    @Test
    void aRunKeepsItsDigits() throws IOException {
        byte[] idx = Arrays.copyOf(new byte[] {0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28}, 16 + 10 * 784);
        Arrays.fill(idx, 16, idx.length, (byte) 90);
        Path digits = Files.write(work.file("digits"), idx);
        Path run = work.file("run");
        generated("--steps 1 --videos 4 --digits " + digits, run).done();
        assertEquals(digits.toAbsolutePath().toString(), SafeTensorsFile.json(Files.readString(
                run.resolve("config.json"))).at("/options/digits").textValue());
        Cli.run("train --steps 2 --resume", run).done();
        Path moved = Files.move(digits, work.file("moved"));
        Cli.run("train --steps 3 --resume", run).refused(1, "no longer in " + digits, "--digits FILE");
        Cli.run("train --steps 3 --resume", run, "--digits", moved).done();
        Arrays.fill(idx, 16, idx.length, (byte) 91);
        Cli.run("train --steps 4 --resume", run, "--digits", Files.write(digits, idx))
                .refused(1, "with other pixels");
    }

    /** Earlier versions trained with 9,000 digits and validated with the rest. */
    @Test
    void aRunOfTheEarlierSplitOfDigitsIsRefusedWithItsReason() throws IOException {
        Path run = work.file("run");
        generated("--steps 1 --videos 4", run).done();
        Split earlier = new Split(new MovingMnist(MnistDigits.bundled(), 0, 9000, 3, 20, 1),
                new MovingMnist(MnistDigits.bundled(), 9000, 10_000, 1, 20, 1));
        Checkpoint last = Checkpoint.read(last(run));
        ObjectNode config = last.training().run();
        config.set("data", new JsonMapper().valueToTree(Fingerprint.of(earlier)));
        ((ObjectNode) config.get("options")).remove("digits");
        last.write(last(run));
        Cli.run("train --steps 2 --resume", run).refused(1, "earlier version",
                "digits that are for validation and tests now", "--init " + best(run));
    }

    @Test
    void theCheckpointKnowsWhatConfigJsonHasWrongOrLost() throws IOException {
        Path whole = work.file("whole");
        String options = "--seed 11 --lr 0.01 --videos 6 ";
        train(options + "--epochs 2", whole).done();
        String[] changes = {"seed", "batch-size", "lr", "threads", "no-shuffle", "epochs"};
        for (String damage : List.of("change", "remove", "cut", "delete")) {
            Path run = work.file(damage);
            train(options + "--epochs 1", run).done();
            Path config = run.resolve("config.json");
            String good = Files.readString(config);
            ObjectNode json = (ObjectNode) SafeTensorsFile.json(good);
            ObjectNode kept = (ObjectNode) json.get("options");
            switch (damage) {
                case "change" -> {
                    kept.put("seed", 12).put("batch-size", 3).put("lr", 0.5).put("threads", 1).put("no-shuffle", true)
                            .put("epochs", 9);
                    Files.writeString(config, json.toString());
                }
                case "remove" -> {
                    kept.remove(List.of(changes));
                    Files.writeString(config, json.toString());
                }
                case "cut" -> Files.writeString(config, good.substring(0, good.length() / 2));
                default -> Files.delete(config);
            }
            Cli.Result result = Cli.run("train --epochs 2 --resume", run);
            if (damage.equals("cut")) {
                warned(result, "config.json is not valid JSON", "config.json.kept-1");
            } else if (damage.equals("delete")) {
                warned(result, "config.json cannot be read");
            } else {
                warned(result, "config.json and the last checkpoint disagree about ");
                List.of(changes).forEach(name -> assertTrue(result.err().contains(name), result::toString));
            }
            assertSameRun(whole, run);
            assertEquals(SafeTensorsFile.json(Files.readString(whole.resolve("config.json"))),
                    SafeTensorsFile.json(Files.readString(config)));
        }
    }

    @Test
    void theNumberOfThreadsIsTheOneThatWasUsed() throws IOException {
        Path run = work.file("run");
        Cli.run("train --batch-size 2 --steps 1 --threads 0 --data", work.data(), "--model", work.model(), "--out", run)
                .done();
        int used;
        try (CpuBackend cpu = new CpuBackend(Precision.FP32, 0)) {
            used = cpu.threads().orElseThrow();
        }
        JsonNode state = SafeTensorsFile.json(SafeTensorsFile.read(last(run)).metadata("framecast.training"));
        assertEquals(used, state.at("/run/options/threads").intValue());
        // On another machine the default number would differ; this test uses a number that is no machine's default.
        Path three = work.file("three");
        train("--steps 1", three);
        SafeTensorsFile contents = SafeTensorsFile.read(last(three));
        ObjectNode metadata = (ObjectNode) contents.header().get("__metadata__");
        int threads = 3 * Runtime.getRuntime().availableProcessors();
        metadata.put("framecast.training", metadata.get("framecast.training").textValue()
                .replace("\"threads\":2", "\"threads\":" + threads));
        contents.write(last(three));
        String out = warned(Cli.run("train --steps 2 --resume", three), "disagree about threads").out();
        assertTrue(out.contains("CPU, " + threads + " threads") && out.contains("threads: " + threads
                + ", with which the run began, on "), out);
    }

    @Test
    void theRateThatIsLoggedIsTheOneThatWasUsed() throws IOException {
        Path run = work.file("run");
        // Seven training videos: four steps per epoch, eight in total.
        String out = train("--epochs 2 --lr 0.01 --lr-schedule cosine --scheduled-sampling 0.5", run).done().out();
        List<String> rows = Files.readAllLines(run.resolve("metrics.csv"));
        for (int epoch = 1; epoch <= 2; epoch++) {
            double expected = 0.01 * (1 + Math.cos(Math.PI * (4 * epoch - 1) / 8)) / 2;
            assertEquals(expected, Double.parseDouble(rows.get(epoch).split(",")[3]), 1e-12);
            assertTrue(out.contains(String.format(Locale.ROOT, "lr %.2g", expected)), out);
        }
        // The schedule had reached its end; with twice the epochs it continues from the middle.
        out = Cli.run("train --epochs 4 --resume", run).done().out();
        assertTrue(out.contains("schedule: the cosine ends at step 16 now, not 8: the learning rate goes on at 0.0050, "
                + "not 0.0\nscheduled sampling: from step 9 on now, not 5\n"), out);
        assertFalse(out.contains("nothing to train"), out);
        assertTrue(Cli.run("train --resume", run).done().out().contains("the run has made its epochs; go on with more "
                + "by --epochs N"));
    }

    @Test
    void theOptionsOfTheRecipeAreKeptInTheRun() throws IOException {
        String recipe = "--lr 0.01 --lr-schedule cosine --warmup 0.25 --clip-norm 0.5 --ema 0.9 "
                + "--scheduled-sampling 0.1..0.9 --context 2 --loss-frames forecast ";
        Path whole = work.file("whole");
        String out = train(recipe + "--epochs 2", whole).done().out();
        // Seven training videos: four steps per epoch; the rise begins after 0.8 steps.
        assertTrue(out.contains("from step 2 on the model is trained on its own predictions, too: "), out);
        JsonNode options = SafeTensorsFile.json(Files.readString(whole.resolve("config.json"))).get("options");
        assertEquals("[0.25,0.5,0.9,\"0.1..0.9\",2,\"forecast\"]", List.of("warmup", "clip-norm", "ema",
                "scheduled-sampling", "context", "loss-frames").stream().map(name -> options.get(name).toString())
                .collect(Collectors.joining(",", "[", "]")));
        String report = Files.readString(whole.resolve("report.html"));
        for (String fact : List.of("after a warm-up of 25.0% of the run, learning rate goes down to 0",
                "to a norm of 0.5", "exponential, decay 0.9",
                "its share rises from 0 to 1 between 10% and 90% of the run, after the first 2 frames of each video",
                "binary crossentropy of the frames after the 2 seen")) {
            assertTrue(report.contains(fact), fact);
        }
        for (String changed : List.of("--warmup 0.5", "--clip-norm 1", "--ema 0.5", "--scheduled-sampling 0",
                "--context 3", "--loss-frames all", "--lr-schedule constant")) {
            Cli.run("train " + changed + " --resume", whole).refused(2, changed.split(" ")[0], "resume");
        }
        // Twice the epochs: the schedule and the rise of sampling take twice as long.
        out = Cli.run("train --epochs 4 --resume", whole).done().out();
        assertTrue(out.contains("schedule: the cosine ends at step 16 now, not 8: ")
                && out.contains("scheduled sampling: from step 3 on now, not 2\n"), out);
        assertFalse(out.contains("on the model is trained on its own predictions"), out);
        // A new run begins with the parameters of a checkpoint, which are the averages.
        Path begun = work.file("begun");
        Cli.run("train --steps 1 --lr 1e-30 --validation-split 0.3 --data", work.data(), "--init", best(whole), "--out",
                begun).done();
        assertArrayEquals(SafeTensorsFile.read(best(whole)).values("layers.0.kernel"),
                SafeTensorsFile.read(last(begun)).values("layers.0.kernel"));
    }

    private static JsonNode options(Path run) throws IOException {
        return SafeTensorsFile.json(Files.readString(run.resolve("config.json"))).get("options");
    }

    /** The options of a run that a recipe may set, in their order in config.json. */
    private static String recipe(Path run) throws IOException {
        JsonNode options = options(run);
        return Stream.of("batch-size", "optimizer", "lr", "lr-schedule", "warmup", "clip-norm", "ema",
                "scheduled-sampling", "context", "loss-frames", "fresh", "loss")
                .map(name -> options.get(name).toString().replace("\"", "")).collect(Collectors.joining(" "));
    }

    private static final String NO_RECIPE = "5 adam 0.001 constant null null null 1 null all false binary_crossentropy";

    @Test
    void motionBringsItsRecipe() throws IOException {
        Path run = work.file("run");
        String out = Cli.run("train --threads 2 --videos 4 --validation-split 0.5 --epochs 1 --model motion --out", run)
                .done().out();
        assertTrue(out.startsWith("options of the preset motion: --batch-size 2 --optimizer muon --lr 0.0025 "
                + "--lr-schedule cosine --warmup 0.03 --clip-norm 0.05 --ema 0.998 --scheduled-sampling 0.3 "
                + "--loss mean_squared_error --fresh\n"), out);
        assertEquals("2 muon 0.0025 cosine 0.03 0.05 0.998 0.3 null all true mean_squared_error", recipe(run));
        // What is said is what a run without the preset's name takes.
        Path model = Workplace.write(work.file("motion.json"), ModelJson.write(Models.load("motion")));
        Path same = work.file("same");
        out = Cli.run("train --threads 2 --videos 4 --validation-split 0.5 --epochs 1" + out.substring(
                out.indexOf(": ") + 1, out.indexOf('\n')) + " --model", model, "--out", same).done().out();
        assertFalse(out.contains("options of the preset"), out);
        assertSameRun(run, same);
    }

    @Test
    void whatTheUserGivesIsStrongerThanTheRecipe() throws IOException {
        Path data = Npy.write(work.file("colour.npy"), new MovingSquares(4, 4, 8, 16, 3));
        Path run = work.file("run");
        String mine = "train --threads 2 --lr 0.01 --clip-norm 0 --ema 0 --warmup 0 --lr-schedule constant "
                + "--scheduled-sampling 1 --loss binary_crossentropy ";
        // A file has no fresh videos.
        String out = Cli.run(mine + "--epochs 1 --model motion --data", data, "--out", run).done().out();
        assertTrue(out.startsWith("options of the preset motion: --batch-size 2 --optimizer muon\n"), out);
        assertEquals("2 muon 0.01 constant 0.0 0.0 0.0 1 null all false binary_crossentropy", recipe(run));
        // A run that resumes has its options, not the recipe's.
        out = Cli.run("train --epochs 2 --resume", run).done().out();
        assertFalse(out.contains("preset"), out);
        assertEquals("2 muon 0.01 constant 0.0 0.0 0.0 1 null all false binary_crossentropy", recipe(run));
        Path whole = work.file("whole");
        out = Cli.run(mine + "--batch-size 2 --optimizer muon --epochs 2 --model motion --data", data, "--out", whole)
                .done().out();
        assertFalse(out.contains("preset"), out);
        assertSameRun(whole, run);
        Cli.run("train --steps 1 --videos 4 --validation-split 0 --no-fresh --model motion --out", work.file("stale"))
                .done();
        assertFalse(options(work.file("stale")).get("fresh").booleanValue());
    }

    @Test
    void aRunWithoutTheNameOfMotionHasNoRecipe() throws IOException {
        Path data = Npy.write(work.file("grey.npy"), new MovingSquares(4, 4, 8, 16, 1));
        for (String preset : List.of("small", "keras")) {
            Path run = work.file(preset);
            String out = Cli.run("train --threads 2 --steps 1 --model " + preset + " --data", data, "--out", run).done()
                    .out();
            assertFalse(out.contains("preset"), out);
            assertEquals(NO_RECIPE, recipe(run));
        }
        // A checkpoint has no recipe.
        Path init = work.file("motion.safetensors");
        Cli.run("init --model motion --height 8 --width 16 --out", init).done();
        Path begun = work.file("begun");
        Cli.run("train --threads 2 --steps 1 --data", data, "--init", init, "--out", begun).done();
        assertEquals(NO_RECIPE, recipe(begun));
        Path named = work.file("named");
        Cli.run("train --threads 2 --steps 1 --model motion --data", data, "--init", init, "--out", named).done();
        assertEquals("2 muon 0.0025 cosine 0.03 0.05 0.998 0.3 null all false mean_squared_error", recipe(named));
    }

    @Test
    void aRunThatStoppedEarlySaysHowToGoOn() throws IOException {
        Path run = work.file("run");
        // With this learning rate the loss does not decrease.
        String out = train("--epochs 100 --lr 3 --videos 3 --validation-split 0.4", run).out();
        String advice = "to train on from the best: framecast ";
        String said = out.lines().filter(line -> line.startsWith("stopped early: ")).findFirst().orElseThrow();
        assertTrue(Cli.run("train --epochs 200 --resume", run).out().contains(said));
        Path more = work.file("more");
        Cli.run(said.substring(said.indexOf(advice) + advice.length()).replace("ANOTHER", more.toString())
                + " --epochs 1").done();
        JsonNode before = SafeTensorsFile.json(Files.readString(run.resolve("config.json"))).get("options");
        JsonNode after = SafeTensorsFile.json(Files.readString(more.resolve("config.json"))).get("options");
        for (String name : List.of("data", "videos", "lr", "batch-size", "validation-split", "loss", "seed")) {
            assertEquals(before.get(name), after.get(name), name);
        }
    }

    @Test
    void videosThatAreCutWhileARunReadsThemLoseNothingOfIt() throws Exception {
        Path videos = Files.copy(work.data(), work.file("cut.npy"));
        byte[] whole = Files.readAllBytes(videos);
        Path run = work.file("run");
        Path steps = run.resolve("steps.csv");
        CompletableFuture<Void> cut = CompletableFuture.runAsync(() -> {
            try {
                while (!Files.exists(steps) || Files.size(steps) < 50) {
                    Thread.sleep(10);
                }
                Files.write(videos, Arrays.copyOf(whole, 200));
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Cli.run("train --steps 1000000 --batch-size 2 --model", work.model(), "--data", videos, "--out", run)
                .refused(1, "cut short", "to go on from there: framecast train --resume " + run);
        cut.join();
        Files.write(videos, whole);
        Cli.run("train --epochs 1 --resume", run).done();
    }

    @Test
    void aDamagedLastCheckpointIsReplacedByTheBest() throws IOException {
        Path whole = work.file("whole");
        train("--epochs 3", whole).done();
        Path run = work.file("run");
        train("--epochs 3", run).done();
        byte[] content = Files.readAllBytes(last(run));
        for (int length : new int[] {0, 7, 100, content.length - 1}) {
            Files.write(last(run), Arrays.copyOf(content, length));
            Cli.run("train --resume", run).refused(1, last(run).toString(), "cp " + best(run) + " " + last(run));
        }
        Files.copy(best(run), last(run), StandardCopyOption.REPLACE_EXISTING);
        Cli.run("train --resume", run).done();
        assertSameRun(whole, run);
    }

    @Test
    void aLossBeyondAllBoundsStopsTheRunAndNamesStepAndCheckpoint() throws IOException {
        Path run = work.file("run");
        train("--epochs 3 --lr 1e30", run).refused(1, "at step ", last(run).toString(), "--lr");
        SafeTensorsFile checkpoint = SafeTensorsFile.read(last(run));
        checkpoint.header().remove("__metadata__");
        checkpoint.header().fieldNames().forEachRemaining(name -> {
            for (float value : checkpoint.values(name)) {
                assertTrue(Float.isFinite(value), name);
            }
        });
        Path predictions = work.file("predictions.npy");
        Cli.run("predict --context 2 --frames 1 --checkpoint", last(run), "--input", work.data(), "--output",
                predictions)
                .done();
    }
}
