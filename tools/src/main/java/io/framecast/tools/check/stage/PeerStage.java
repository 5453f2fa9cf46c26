package io.framecast.tools.check.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.data.Batch;
import io.framecast.data.Batches;
import io.framecast.data.Epoch;
import io.framecast.data.FrameShift;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyType;
import io.framecast.data.NpyWriter;
import io.framecast.data.Videos;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.tools.bench.OwnTraining;
import io.framecast.tools.check.golden.Difference;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The same network by a PyTorch user, on the same GPU: losses first, then times. */
final class PeerStage {

    private static final String SCRIPT = "pytorch_gpu.py";
    private static final String MODEL = "keras";
    private static final int BATCH = 5;
    private static final int STEPS = 20;
    private static final int STARTING_SECONDS = 60;

    /**
     * Relative bounds of losses. The first is that of rounding in a forward pass. Later ones are wider, since training
     * amplifies what the gradients' roundings differ by: within 20 steps of keras, this engine's losses on one thread
     * and on two differ by 3.3e-5 in float32, and those in bfloat16 from those in float32 by 7.7e-3. A wrong gradient
     * shows by more.
     */
    private record Bound(double first, double later) {
    }

    private static final Map<Precision, Bound> BOUNDS = new EnumMap<>(Map.of(
            Precision.FP32, new Bound(2e-5, Math.scalb(1.0, -10)),
            Precision.TF32, new Bound(Math.scalb(1.0, -11), Math.scalb(1.0, -8)),
            Precision.BF16, new Bound(Math.scalb(1.0, -9), Math.scalb(1.0, -5))));

    /** Losses, and the median time of a step in milliseconds. */
    private record Own(double[] losses, double milliseconds) {
    }

    private PeerStage() {
    }

    static void run(DeviceUnderTest device, StageLog log, Path directory) {
        run(device, log, directory, System.getenv().getOrDefault("FRAMECAST_PYTHON", "python3"), Models.load(MODEL));
    }

    static void run(DeviceUnderTest device, StageLog log, Path directory, String python, ModelConfig model) {
        ChildProcess.Ended torch;
        try {
            torch = ChildProcess.run(List.of(python, "-c", "import torch; print(torch.cuda.is_available())"),
                    STARTING_SECONDS);
        } catch (FramecastException e) {
            log.skipped("there is no " + python + " to run PyTorch with");
            return;
        }
        if (torch.status() != 0 || !torch.output().strip().endsWith("True")) {
            log.skipped(torch.status() == 0 ? "PyTorch finds no GPU here" : "PyTorch is not installed for " + python);
            return;
        }
        Checkpoint start = Checkpoint.initial(model, 1);
        Videos videos = MovingMnist.test(MnistDigits.bundled(), 4 * BATCH, 1);
        JsonNode[] peer = new JsonNode[1];
        log.check("PyTorch trains", () -> peer[0] = train(python, start, videos, directory, log.secondsLeft()));
        if (peer[0] == null) {
            return;
        }
        Map<Precision, Own> own = new EnumMap<>(Precision.class);
        for (Precision precision : device.precisions()) {
            log.check("this engine trains in " + DeviceUnderTest.name(precision), () ->
                    own.put(precision, own(device, precision, start, videos)));
        }
        compare(log, peer[0], own);
    }

    private static JsonNode train(String python, Checkpoint start, Videos videos, Path directory, double seconds) {
        Path script = directory.resolve(SCRIPT);
        Path checkpoint = directory.resolve("peer.safetensors");
        Path data = directory.resolve("peer.npy");
        Path results = directory.resolve("peer.json");
        try (InputStream in = PeerStage.class.getResourceAsStream("/io/framecast/tools/check/" + SCRIPT)) {
            Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
            start.write(checkpoint);
            NpyWriter.write(data, NpyType.FLOAT32, List.of(videos.count(), videos.frames(), videos.height(),
                    videos.width(), videos.channels()), out -> {
                        for (int k = 0; k < videos.count(); k++) {
                            out.write(videos.get(k).values());
                        }
                    });
            // Half of the time for the timed steps; a sixth, for each variant, to start and to compile.
            long timed = (long) Math.max(STARTING_SECONDS / 2, seconds / 2);
            long starting = (long) Math.max(STARTING_SECONDS, seconds / 6);
            ChildProcess.Ended ended = ChildProcess.run(List.of(python, script.toString(), "--checkpoint",
                    checkpoint.toString(), "--videos", data.toString(), "--batch", Integer.toString(BATCH), "--steps",
                    Integer.toString(STEPS), "--seconds", Long.toString(timed), "--setup-seconds",
                    Long.toString(starting), "--out", results.toString()), Math.max(seconds, 0) + 2 * STARTING_SECONDS);
            if (ended.failure() != null) {
                throw new FramecastException(SCRIPT + " " + ended.failure() + ".");
            }
            return new ObjectMapper().readTree(results.toFile());
        } catch (IOException e) {
            throw new FramecastException("The comparison with PyTorch failed: " + e.getMessage() + ".", e);
        } finally {
            for (Path file : List.of(script, checkpoint, data)) {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    // It stays in the directory of the results.
                }
            }
        }
    }

    private static Own own(DeviceUnderTest device, Precision precision, Checkpoint start, Videos videos) {
        Batches batches = new Batches(videos, BATCH, false, 0);
        double[] losses = new double[STEPS];
        double[] milliseconds = new double[STEPS];
        try (Backend backend = device.openOrSkip(precision, Convolutions.KERNELS);
                OwnTraining training = new OwnTraining(backend, start.model(), start.parameters(), BATCH,
                        videos.frames() - 1)) {
            for (int step = 0; step < STEPS;) {
                try (Epoch epoch = batches.epoch(1, 0)) { // Without shuffling, each is like the first.
                    while (step < STEPS && epoch.hasNext()) {
                        Batch batch = epoch.next();
                        FrameShift shift = batch.shift();
                        float[] inputs = Arrays.copyOfRange(batch.values(), 0, shift.length());
                        float[] targets = Arrays.copyOfRange(batch.values(), shift.targetOffset(),
                                shift.targetOffset() + shift.length());
                        long begin = System.nanoTime();
                        losses[step] = training.step(inputs, targets);
                        milliseconds[step++] = (System.nanoTime() - begin) / 1e6;
                    }
                }
            }
        }
        Arrays.sort(milliseconds);
        return new Own(losses, milliseconds[STEPS / 2]);
    }

    private static void compare(StageLog log, JsonNode peer, Map<Precision, Own> own) {
        List<List<String>> rows = new ArrayList<>();
        for (JsonNode variant : peer.get("variants")) {
            String name = variant.get("name").textValue();
            Precision precision = Precision.valueOf(name.substring(name.indexOf('-') + 1).toUpperCase(Locale.ROOT));
            String why = variant.path("error").isTextual() ? variant.get("error").textValue()
                    : variant.path("skipped").isTextual() ? variant.get("skipped").textValue() : null;
            if (why == null && own.containsKey(precision)) {
                log.compare("losses like PyTorch's " + name, () -> differences(variant.get("losses"),
                        own.get(precision).losses, BOUNDS.get(precision)));
            }
            double step = variant.at("/step_ms/median").asDouble(Double.NaN);
            rows.add(List.of(name, why == null ? Table.number("%.3f", step) : why,
                    own.containsKey(precision) ? Table.number("%.3f", own.get(precision).milliseconds) : "-",
                    own.containsKey(precision) ? Table.number("%.2f", step / own.get(precision).milliseconds) : "-",
                    Table.number("%.0f", variant.path("memory_mb").asDouble(Double.NaN))));
        }
        log.table("PyTorch " + peer.path("torch").asText("?") + " beside this engine", ("The network %s, batch of %d. "
                + "PyTorch's steps by CUDA events, its data on the GPU; ours by the clock, with the upload of each "
                + "batch and the loss read back.").formatted(MODEL, BATCH), List.of("PyTorch", "its ms a step",
                "our ms a step", "times as fast", "its memory, MB"), rows);
    }

    private static List<Difference> differences(JsonNode losses, double[] own, Bound bound) {
        List<Difference> differences = new ArrayList<>();
        for (int step = 0; step < own.length; step++) {
            double expected = losses.path(step).asDouble(Double.NaN);
            differences.add(Difference.of("loss of step " + step, expected, own[step],
                    (step == 0 ? bound.first : bound.later) * expected));
        }
        return differences;
    }
}
