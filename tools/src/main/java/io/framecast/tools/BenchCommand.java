package io.framecast.tools;

import io.framecast.JsonFiles;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.data.MovingMnist;
import io.framecast.data.Video;
import io.framecast.nn.Adam;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "bench", description = "Measures training steps: seconds a video, forward, backward and optimiser.")
final class BenchCommand implements Runnable {

    @Mixin
    DeviceOptions device;

    @Option(names = "--model", paramLabel = "NAME|FILE", defaultValue = "keras",
            description = "keras, small, or a file of model JSON. Default: ${DEFAULT-VALUE}.")
    String model;

    @Option(names = "--batch-size", paramLabel = "N", defaultValue = "5",
            description = "Videos a step. Default: ${DEFAULT-VALUE}.")
    int batch;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "3",
            description = "Steps to measure, after one to warm up; the median counts. Default: ${DEFAULT-VALUE}.")
    int steps;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
    Path json;

    @Option(names = "--peer", paramLabel = "NAME",
            description = "Compare with another engine on the CPU: pytorch. In fp32 and bf16, unless --precision says.")
    String peer;

    @Spec
    CommandSpec spec;

    @Override
    public void run() {
        Options.require(batch >= 1, "--batch-size must be at least 1, not " + batch + ".");
        Options.require(steps >= 1, "--steps must be at least 1, not " + steps + ".");
        ModelConfig config = Models.load(model);
        config.requireFramesToFrames();
        if (peer != null) {
            boolean one = spec.commandLine().getParseResult().hasMatchedOption("--precision");
            Map<String, Object> compared = new PeerComparison(PeerComparison.find(peer), device, config,
                    batch, steps).run(one ? List.of(device.precision) : List.of(Precision.FP32, Precision.BF16));
            if (json != null) {
                JsonFiles.write(json, Map.of("peer", compared));
            }
            return;
        }
        int frames = MovingMnist.FRAMES;
        long frame = (long) batch * config.input().size();
        try (Backend backend = device.open();
                Network network = Network.forTraining(backend, config, Loss.BINARY_CROSSENTROPY, frames - 1, batch);
                LossOp loss = backend.loss(config.computedAs(Loss.BINARY_CROSSENTROPY), (frames - 1) * frame);
                Adam adam = new Adam(network);
                Tensor videos = backend.tensor(frames * frame)) {
            network.parameters().set(Parameters.initial(config, 1));
            fill(videos);
            Tensor inputs = videos.slice(0, (frames - 1) * frame);
            Tensor targets = videos.slice(frame, (frames - 1) * frame);
            double[][] seconds = new double[3][steps];
            for (int step = -1; step < steps; step++) {
                long begin = System.nanoTime();
                loss.forward(network.forward(inputs, frames - 1, batch, true), targets, (frames - 1) * frame, true);
                loss.value();
                long forward = System.nanoTime();
                network.backward(loss.gradient());
                await(network.parameters().gradients());
                long backward = System.nanoTime();
                adam.begin(1e-3);
                adam.update();
                await(network.parameters().trained());
                long end = System.nanoTime();
                if (step >= 0) {
                    seconds[0][step] = (forward - begin) / 1e9;
                    seconds[1][step] = (backward - forward) / 1e9;
                    seconds[2][step] = (end - backward) / 1e9;
                }
            }
            report(backend, seconds);
        }
    }

    /** Waits for what is computed there: a device may still be at it. */
    private static void await(Tensor tensor) {
        tensor.read(0, new float[1], 0, 1);
    }

    private void report(Backend backend, double[][] seconds) {
        double[] whole = new double[steps];
        for (int k = 0; k < steps; k++) {
            whole[k] = seconds[0][k] + seconds[1][k] + seconds[2][k];
        }
        double perVideo = median(whole) / batch;
        System.out.printf(Locale.ROOT, "%s, batches of %d videos of %d input frames, median of %d steps%n", model,
                batch, MovingMnist.FRAMES - 1, steps);
        String[] parts = {"forward", "backward", "optimiser"};
        for (int k = 0; k < parts.length; k++) {
            System.out.printf(Locale.ROOT, "  %-10s %7.3f s a video%n", parts[k], median(seconds[k]) / batch);
        }
        System.out.printf(Locale.ROOT, "  %-10s %7.3f s a video%n", "step", perVideo);
        System.out.printf(Locale.ROOT, "  device memory, at most: %.2f GB%n", backend.peakBytes() / 1e9);
        if (json != null) {
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("seconds_per_video", perVideo);
            figures.put("device_bytes", backend.peakBytes());
            figures.put("precision", backend.precision().name().toLowerCase(Locale.ROOT));
            JsonFiles.write(json, figures);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /** Real videos, as far as they fill the model's frames: speed depends on values where these become denormal. */
    private static void fill(Tensor videos) {
        Video video = MovingMnist.training(1, 1).get(0);
        for (long at = 0; at < videos.size(); at += video.values().length) {
            videos.write(at, video.values(), 0, (int) Math.min(video.values().length, videos.size() - at));
        }
    }
}
