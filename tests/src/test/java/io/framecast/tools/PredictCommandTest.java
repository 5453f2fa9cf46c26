package io.framecast.tools;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.TestBackend;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.Video;
import io.framecast.golden.Closeness;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.predict.Forecaster;
import io.framecast.train.Checkpoint;
import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that use a trained checkpoint: predict, evaluate and gifs, and the commands on data. */
class PredictCommandTest {

    @TempDir
    static Path directory;
    private static Workplace work;
    private static Path checkpoint;

    @BeforeAll
    static void train() {
        work = Workplace.in(directory);
        Path run = work.file("run");
        // Trained, so that the moving averages of batch normalisation are not the initial ones.
        Cli.run("train --epochs 2 --lr 0.05 --data", work.data(), "--model", work.model(), "--out", run).done();
        checkpoint = run.resolve("checkpoints/last.safetensors");
    }

    private static Cli.Result predict(String options, Path input, Path output) {
        return Cli.run("predict " + options + " --checkpoint", checkpoint, "--input", input, "--output", output);
    }

    @Test
    void aNameWithoutASuffixIsOfTheUsualFormat() throws IOException {
        Path named = work.file("named.NPY");
        Path plain = work.file("plain");
        predict("--context 2 --frames 2", work.data(), named).done();
        predict("--context 2 --frames 2", work.data(), plain).done();
        assertArrayEquals(Files.readAllBytes(named), Files.readAllBytes(plain));
        Path picture = work.file(".sheet");
        Cli.run("data show", work.data(), "--out", picture).done();
        assertEquals("89504e47", HexFormat.of().formatHex(Files.readAllBytes(picture), 0, 4));
    }

    @Test
    void predictionsAreThoseOfTheWholeGrowingSequenceRunAnewForEachFrame() {
        Path output = work.file("y.npy");
        int frames = 4;
        // With a context of 2 the network is given two frames only, although the videos have 5.
        predict("--context 2 --frames 4", work.data(), output).done();
        Npy predicted = Npy.read(output);
        assertEquals("(8, 4, 6, 10, 1)", predicted.shape());
        assertRecomputed(predicted, 2, frames);
    }

    private static void assertRecomputed(Npy predicted, int context, int frames) {
        int size = Workplace.VIDEOS.frameSize();
        int count = Workplace.VIDEOS.count();
        withNetwork(context + frames, (backend, network) -> {
            for (int k = 0; k < count; k++) {
                float[] sequence = Npy.joined(Workplace.VIDEOS.get(k), context, predicted.video(k, count));
                for (int n = context; n < context + frames; n++) {
                    float[] outputs = new float[n * size];
                    network.forward(backend.tensor(Arrays.copyOf(sequence, n * size)), n, 1, false)
                            .read(0, outputs, 0, outputs.length);
                    assertClose("video " + k + ", frame " + n, Arrays.copyOfRange(outputs, (n - 1) * size, n * size),
                            Arrays.copyOfRange(sequence, n * size, (n + 1) * size), Closeness.OUTPUT);
                }
            }
        });
    }

    private interface Use {
        void of(TestBackend backend, Network network);
    }

    private static void withNetwork(int frames, Use use) {
        try (TestBackend backend = TestBackend.fp32()) {
            ModelConfig model = ModelJson.parse(Files.readString(work.model()), "test");
            Network network = backend.own(Network.forInference(backend.get(), model, frames, 1));
            network.parameters().set(TrainCommandTest.parameters(checkpoint, model));
            use.of(backend, network);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theLibraryForecastsTheSameBits() {
        Path output = work.file("same.npy");
        predict("--device cpu --threads 1 --context 2 --frames 21", work.data(), output).done();
        Npy predicted = Npy.read(output);
        int size = Workplace.VIDEOS.frameSize();
        try (TestBackend backend = TestBackend.fp32()) {
            Forecaster forecaster = backend.own(Forecaster.open(backend.get(), Checkpoint.read(checkpoint)));
            for (int k = 0; k < 8; k++) {
                float[][] forecast = forecaster.forecast(Workplace.VIDEOS.get(k, 0, 2).values(), 21);
                float[] written = predicted.video(k, 8);
                for (int t = 0; t < 21; t++) {
                    assertArrayEquals(Arrays.copyOfRange(written, t * size, (t + 1) * size), forecast[t],
                            "video " + k + ", frame " + t);
                }
            }
        }
    }

    @Test
    void teacherForcedIsTheOutputForEveryFrameOfTheTrueVideo() {
        Path output = work.file("forced.npy");
        predict("--teacher-forced", work.data(), output).done();
        Npy predicted = Npy.read(output);
        assertEquals("(8, 5, 6, 10, 1)", predicted.shape());
        withNetwork(5, (backend, network) -> {
            for (int k = 0; k < 8; k++) {
                Video video = Workplace.VIDEOS.get(k);
                assertClose("video " + k, network.forward(backend.tensor(video.values()), 5, 1, false).read(),
                        predicted.video(k, 8), Closeness.OUTPUT);
            }
        });
    }

    @Test
    void theOfficialLayoutIsRecognisedAndTheOtherCanBeForced() throws IOException {
        Path official = work.file("official.npy");
        Cli.run("data generate --videos 21 --seed 4 --out", official).done();
        Path model = Workplace.write(work.file("model64.json"), """
                {"input": {"height": 64, "width": 64, "channels": 1}, "layers": [
                  {"type": "SpaceToDepth", "block_size": 8},
                  {"type": "ConvLSTM2D", "filters": 64, "kernel_size": 1, "padding": "same"},
                  {"type": "DepthToSpace", "block_size": 8}]}
                """);
        Path init = work.file("init64.safetensors");
        Cli.run("init --model", model, "--out", init).done();
        byte[] bytes = Files.readAllBytes(official);
        int header = bytes.length - 20 * 21 * 64 * 64;
        byte[] turned = new byte[bytes.length - header];
        for (int t = 0; t < 20; t++) {
            for (int n = 0; n < 21; n++) {
                System.arraycopy(bytes, header + (t * 21 + n) * 4096, turned, (n * 20 + t) * 4096, 4096);
            }
        }
        Path videosFirst = Npy.write(work.file("turned.npy"), "|u1", "False", "(21, 20, 64, 64)", turned);
        Path one = work.file("one.npy");
        Path two = work.file("two.npy");
        String command = "predict --frames 3 --checkpoint " + init;
        Cli.run(command, "--input", official, "--output", one).done();
        Cli.run(command, "--input", videosFirst, "--output", two).done();
        assertEquals("(21, 3, 64, 64, 1)", Npy.read(one).shape());
        assertArrayEquals(Files.readAllBytes(two), Files.readAllBytes(one));
        Cli.run(command, "--layout", "nthw", "--input", official, "--output", one).done();
        assertEquals("(20, 3, 64, 64, 1)", Npy.read(one).shape());
        Cli.run(command, "--layout", "TNHW", "--input", videosFirst, "--output", one).done();
        assertEquals("(20, 3, 64, 64, 1)", Npy.read(one).shape());

        assertTrue(Cli.run("data info", official).done().out().contains("21 videos of 20 frames of 64x64x1"));
        assertTrue(Cli.run("data info --layout nthw --data", official).done().out().contains("20 videos of 21 frames"));
        Path sheet = work.file("sheet.png");
        Cli.run("data show --count 2 --first 20 --out", sheet, official).done();
        assertEquals("PNG", new String(Files.readAllBytes(sheet), 1, 3, java.nio.charset.StandardCharsets.US_ASCII));
    }

    @Test
    void evaluateScoresTheForecastsBesideTheLastSeenFrame() throws IOException {
        Path json = work.file("scores.json");
        Path output = work.file("e.npy");
        String table = Cli.run("evaluate --context 2 --json " + json + " --data", work.data(), "--checkpoint",
                checkpoint)
                .done().out();
        predict("--context 2 --frames 3", work.data(), output).done();
        JsonNode scores = SafeTensorsFile.json(Files.readString(json));
        assertEquals(8, scores.get("videos").intValue());
        assertEquals(2, scores.get("context").intValue());
        assertEquals(3, scores.get("frames").intValue(), "all that follow");
        Npy predicted = Npy.read(output);
        double model = 0;
        double repeated = 0;
        int size = Workplace.VIDEOS.frameSize();
        for (int k = 0; k < 8; k++) {
            float[] video = Workplace.VIDEOS.get(k).values();
            float[] forecast = predicted.video(k, 8);
            for (int i = 0; i < 3 * size; i++) {
                model += Math.pow(video[2 * size + i] - forecast[i], 2) / 24;
                repeated += Math.pow(video[2 * size + i] - video[size + i % size], 2) / 24;
            }
        }
        // Sums of float32 values; both commands use the same batches.
        assertEquals(model, scores.at("/model/mse/mean").doubleValue(), 1e-5 * model);
        assertEquals(repeated, scores.at("/repeat_last_frame/mse/mean").doubleValue(), 1e-5 * repeated);
        assertEquals(3, scores.at("/model/ssim/per_frame").size());
        assertTrue(table.contains("PSNR") && table.contains("repeat the last frame"), table);
    }

    /** Scores are of test digits; a file made of them gives the same scores, and another seed others. */
    @Test
    void theTrainedModelIsScoredOnDigitsThatNoTrainingHasSeen() throws IOException {
        Path json = work.file("unseen.json");
        Path made = work.file("made.npy");
        Cli.run("data generate --test --videos 3 --seed 4 --out", made).done();
        String options = "evaluate --checkpoint moving-mnist --frames 2 --json ";
        String table = table(Cli.run(options + json + " --videos 3 --seed 4"));
        JsonNode scores = SafeTensorsFile.json(Files.readString(json));
        assertEquals(table, table(Cli.run(options + json + " --layout tnhw --data", made)));
        assertEquals(scores, SafeTensorsFile.json(Files.readString(json)));
        assertNotEquals(table, table(Cli.run(options + json + " --videos 3 --seed 5")));
        for (String who : List.of("model", "repeat_last_frame")) {
            for (String metric : List.of("mse", "mae", "psnr", "ssim", "ssim_uniform7", "ssim_uniform7_range2")) {
                JsonNode frames = scores.at("/" + who + "/" + metric + "/per_frame");
                assertEquals(2, frames.size(), metric);
                assertEquals((frames.get(0).doubleValue() + frames.get(1).doubleValue()) / 2,
                        scores.at("/" + who + "/" + metric + "/mean").doubleValue(), 1e-12, metric);
            }
            assertEquals(2, scores.at("/" + who + "/frames_without_error").size());
        }
        // By an independent computation from the videos, which show the digits 9,000 to 9,999.
        MovingMnist videos = new MovingMnist(MnistDigits.bundled(), 9000, 10_000, 3, 20, 4);
        double repeated = 0;
        for (int k = 0; k < 3; k++) {
            float[] seen = videos.get(k, 9, 10).values();
            float[] next = videos.get(k, 10, 11).values();
            for (int i = 0; i < seen.length; i++) {
                repeated += Math.pow(next[i] - seen[i], 2) / 3;
            }
        }
        assertEquals(repeated, scores.at("/repeat_last_frame/mse/per_frame/0").doubleValue(), 1e-5 * repeated);
    }

    private static String table(Cli.Result result) {
        String out = result.done().out();
        return out.substring(out.indexOf("\nframe "));
    }

    /** A run's checkpoint without the state of the run is the same model. */
    @Test
    void initCopiesTheTrainedModel() throws IOException {
        Path copy = work.file("copy.safetensors");
        Cli.run("init --init moving-mnist --out", copy).done();
        String options = "evaluate --videos 1 --frames 1 --checkpoint ";
        assertEquals(Cli.run(options + "moving-mnist").done().out(), Cli.run(options + copy).done().out());
        // The second panel shows the second model.
        Path other = work.file("other.safetensors");
        Cli.run("init --model small --out", other).done();
        String gifs = "gifs --checkpoint moving-mnist --videos 1 --count 1 --compare";
        Cli.run(gifs, copy, "--out", work.file("same")).done();
        Cli.run(gifs, other, "--out", work.file("two")).done();
        assertNotEquals(-1, Files.mismatch(work.file("same/video-0.png"), work.file("two/video-0.png")));
        Cli.run("train --init moving-mnist --videos 2 --steps 1 --validation-split 0 --batch-size 1 --out",
                work.file("tuned")).done();
    }

    /** A file with one video needs no --validation-split 0. */
    @Test
    void gifsShowTheOneVideoOfAFile() throws IOException {
        Path one = Npy.write(work.file("one.npy"), Workplace.VIDEOS.slice(3, 4));
        Path gifs = work.file("gifs-of-one");
        Cli.run("gifs --context 2 --count 1 --data", one, "--checkpoint", checkpoint, "--out", gifs).done();
        try (Stream<Path> files = Files.list(gifs)) {
            assertEquals("[video-0.gif, video-0.png]",
                    files.map(p -> p.getFileName().toString()).sorted().toList().toString());
        }
    }

    @Test
    void gifsShowAsManyVideosAsAskedForThoseForValidationFirst() throws IOException {
        Path gifs = work.file("gifs");
        Cli.run("gifs --context 2 --count 1 --validation-split 0.1 --data", work.data(), "--checkpoint", checkpoint,
                "--out",
                gifs).done();
        try (Stream<Path> files = Files.list(gifs)) {
            assertEquals("[video-7.gif, video-7.png]",
                    files.map(p -> p.getFileName().toString()).sorted().toList().toString());
        }
        assertEquals("GIF89a", new String(Files.readAllBytes(gifs.resolve("video-7.gif")), 0, 6,
                java.nio.charset.StandardCharsets.US_ASCII));
    }

    @Test
    void benchMeasuresAndDevicesTells() throws IOException {
        Path json = work.file("bench.json");
        Cli.run("bench --steps 1 --batch-size 2 --json", json, "--model", work.model()).done();
        JsonNode figures = SafeTensorsFile.json(Files.readString(json));
        assertTrue(figures.get("seconds_per_video").doubleValue() > 0 && figures.get("device_bytes").longValue() > 0);
        assertEquals("fp32", figures.get("precision").textValue());
        assertTrue(Cli.run("devices").done().out().matches("(?s)cpu +yes .*cuda +(yes|no) .*softgpu +(yes|no) .*"));
    }
}
