package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.nn.FrameShape;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A variant is a training of {@code framecast train}, scored as {@code framecast evaluate} does. */
class TuneCommandTest {

    private static final double BUDGET = 1;
    private static final JsonMapper MAPPER = new JsonMapper();

    @TempDir
    Path directory;
    private Workplace work;
    private Path variants;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
        variants = work.file("variants.json");
    }

    /** A list of JSON, with single quotes; {@code @} stands for the test's directory. */
    private void write(String... lines) {
        Workplace.write(variants, "[" + String.join(",\n", lines).replace('\'', '"').replace("@", directory + "/")
                + "]");
    }

    /** The last three videos are scored. */
    private Cli.Result tune() {
        return Cli.run("tune --threads 1 --videos 3 --seed 7 --budget " + BUDGET + " --data", work.data(), "--variants",
                variants, "--out", work.file("out"));
    }

    private Path out(String file) {
        return work.file("out").resolve(file);
    }

    private List<JsonNode> rows() throws IOException {
        return StreamSupport.stream(MAPPER.readTree(out("table.json").toFile()).path("variants").spliterator(), false)
                .toList();
    }

    private static double[] scores(Path json, String metric) throws IOException {
        return MAPPER.convertValue(MAPPER.readTree(json.toFile()).path("model").path(metric).path("per_frame"),
                double[].class);
    }

    @Test
    void aVariantIsATrainingOfItsStepsAndItsScoresAreThoseOfEvaluate() throws IOException {
        write("{'name': 'one', 'model': '@tiny.json', 'batch-size': 2, 'lr': 0.02, 'lr-schedule': 'cosine', "
                + "'warmup': 0.2, 'ema': 0.9, 'scheduled-sampling': '0.2..0.6', 'context': 2}");
        Cli.Result result = tune().done();
        JsonNode row = rows().get(0);

        Path trainingVideos = Npy.write(work.file("training.npy"), Workplace.VIDEOS.slice(0, 5));
        Path scoredVideos = Npy.write(work.file("scored.npy"), Workplace.VIDEOS.slice(5, 8));
        Cli.run("train --threads 1 --validation-split 0 --seed 7 --batch-size 2 --lr 0.02 --lr-schedule cosine "
                + "--warmup 0.2 --ema 0.9 --scheduled-sampling 0.2..0.6 --context 2 --steps",
                row.path("steps").asText(), "--model", work.model(), "--data", trainingVideos, "--out",
                work.file("run")).done();
        Checkpoint trained = Checkpoint.read(out("one.safetensors"));
        Checkpoint.read(RunDirectory.lastCheckpoint(work.file("run"))).parameters().forEach((name, tensor) ->
                assertArrayEquals(tensor.values(), trained.parameters().get(name).values(), name));

        Cli.run("evaluate --context 2 --frames 3 --data", scoredVideos, "--checkpoint", out("one.safetensors"),
                "--json", work.file("scores.json")).done();
        double[] mse = scores(work.file("scores.json"), "mse");
        double[] ssim = scores(work.file("scores.json"), "ssim");
        // Threads add in another order.
        assertEquals((mse[0] + mse[1] + mse[2]) / 3, row.path("mse").asDouble(), 1e-4);
        assertEquals(mse[0], row.path("mse_first").asDouble(), 1e-4);
        assertEquals(mse[2], row.path("mse_last").asDouble(), 1e-4);
        assertEquals((ssim[0] + ssim[1] + ssim[2]) / 3, row.path("ssim").asDouble(), 1e-5);

        long steps = row.path("steps").asLong();
        // An epoch of five videos is two batches of two and one of one.
        assertEquals(steps / 3 * 5 + steps % 3 * 2, row.path("videos").asLong());
        // Rough: a step of so small a network is mostly Java, which gets faster.
        assertTrue(row.path("seconds").asDouble() > BUDGET / 5 && row.path("seconds").asDouble() < 2 * BUDGET,
                row::toString);
        assertEquals(trained.model().parameterCount(), row.path("parameters").asLong());
        // Of 4 frames of 6x10, multiply-adds: 3x3 kernels from 1 + 3 channels to 4 gates of 3 filters, and then 3x3x3
        // kernels from 3 channels to 1. Backward has two such passes, but the videos need no gradient, and the state
        // before the first frame is zero.
        double input = 60 * 9 * 12;
        double recurrent = 60 * 9 * 3 * 12;
        double last = 60 * 27 * 3;
        assertEquals(2 * (4 * 2 * input + 3 * 3 * recurrent + 4 * 3 * last) / 1e9,
                row.path("gflop_per_video").asDouble(), 1e-12);
        assertTrue(result.out().contains("| variant | MSE |") && result.out().contains("\n| one | "), result::out);
        assertEquals(List.of("name,mse,ssim,mse_first,mse_last,seconds,steps,videos,parameters,gflop_per_video,failure",
                String.join(",", "one", row.path("mse").asText(), row.path("ssim").asText(),
                        row.path("mse_first").asText(), row.path("mse_last").asText(), row.path("seconds").asText(),
                        row.path("steps").asText(), row.path("videos").asText(), row.path("parameters").asText(),
                        row.path("gflop_per_video").asText(), "")), Files.readAllLines(out("table.csv")));
    }

    @Test
    void aFailureIsARowAndOnlyWhatChangedIsTrainedAgain() throws IOException {
        String good = "{'name': 'good', 'model': '@tiny.json', 'lr': 0.01}";
        String huge = "{'name': 'huge', 'model': '@tiny.json', 'lr': 1e30}";
        String wrong = "{'name': 'wrong', 'model': {'input': {'height': 6, 'width': 10, 'channels': 1}, "
                + "'layers': [{'type': 'Dropout'}]}}";
        write(wrong, huge, good);
        Cli.Result first = tune().done();
        List<JsonNode> rows = rows();
        assertEquals(List.of("good", "wrong", "huge"), rows.stream().map(row -> row.path("name").asText()).toList());
        assertFalse(rows.get(0).has("failure"), () -> rows.get(0).toString());
        assertTrue(rows.get(1).path("failure").asText().contains("Dropout"), () -> rows.get(1).toString());
        assertTrue(rows.get(2).path("failure").asText().matches(".*(NaN|infinite|finite).*"),
                () -> rows.get(2).toString());
        assertTrue(first.out().contains("huge failed: ") && first.out().contains("| wrong | failed |"), first::out);

        FileTime made = Files.getLastModifiedTime(out("good.safetensors"));
        write(good, "{'name': 'huge', 'model': '@tiny.json', 'lr': 1e-3}");
        Cli.Result second = tune().done();
        assertTrue(second.out().contains("1/2 good: from ") && second.out().contains("2/2 huge: training"),
                second::out);
        assertEquals(made, Files.getLastModifiedTime(out("good.safetensors")));
        assertTrue(rows().contains(rows.get(0)), () -> rows.get(0).toString());
        assertTrue(rows().stream().noneMatch(row -> row.has("failure")), second::out);

        write(wrong, huge);
        tune().refused(1, "No variant could be trained", out("table.csv").toString());
        assertEquals(2, rows().stream().filter(row -> row.has("failure")).count());
    }

    @Test
    void generatedVideosAreScoredWithTestDigits() throws IOException {
        write("{'name': 'patches', 'model': {'input': {'height': 64, 'width': 64, 'channels': 1}, 'layers': ["
                + "{'type': 'SpaceToDepth', 'block_size': 16}, {'type': 'Conv3D', 'filters': 256, 'kernel_size': 1, "
                + "'activation': 'sigmoid'}, {'type': 'DepthToSpace', 'block_size': 16}]}}");
        Cli.run("tune --threads 1 --videos 3 --seed 2 --budget 0.2 --variants", variants, "--out", work.file("out"))
                .done();
        Cli.run("evaluate --data generated --videos 3 --seed 2 --checkpoint", out("patches.safetensors"), "--json",
                work.file("scores.json")).done();
        double[] mse = scores(work.file("scores.json"), "mse");
        JsonNode row = rows().get(0);
        assertEquals(10, mse.length);
        assertEquals(mse[0], row.path("mse_first").asDouble(), 1e-2);
        assertEquals(mse[9], row.path("mse_last").asDouble(), 1e-2);
    }

    @Test
    void aPresetBringsItsOptions() {
        write("{'name': 'own', 'model': 'motion', 'lr': 0.004}");
        assertEquals(TrainingSettings.builder("motion").learningRate(0.004).steps(10).seed(7).build(),
                TuneVariant.read(variants, 7).get(0).training(10));
    }

    @Test
    void whatIsWrongIsFoundBeforeTheFirstTraining() {
        write("{'name': 'first', 'model': 'small'}", "{'name': 'late', 'model': 'small', 'context': 30}");
        Cli.Result result = tune();
        assertEquals(1, result.status());
        assertTrue(result.err().contains("The context of the variant \"late\" must be below the"), result.err());
        assertFalse(Files.exists(out("first.safetensors")));
        write("{'name': 'first', 'model': 'small', 'optimizer': 'sgd'}");
        assertTrue(tune().err().contains("expected one of adam, muon but was 'sgd'"));
        write("{'name': 'first', 'model': 'small', 'lr': 0.1, 'lr': 0.2}");
        assertTrue(tune().err().contains("Duplicate field 'lr'"));
    }

    @Test
    void theExampleIsRight() {
        FrameShape frames = new FrameShape(64, 64, 1);
        for (TuneVariant variant : TuneVariant.read(Path.of("../tools/examples/variants.json"), 1)) {
            assertEquals(frames, variant.load(frames).output(), variant.name());
        }
    }
}
