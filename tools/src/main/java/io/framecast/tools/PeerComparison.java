package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.Precision;
import io.framecast.data.MovingMnist;
import io.framecast.device.Device;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Parameters;
import io.framecast.system.Processor;
import io.framecast.text.Count;
import io.framecast.tools.bench.OwnTraining;
import io.framecast.tools.bench.Peer;
import io.framecast.tools.bench.Times;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.Options;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Compares training steps with another engine, in one process: the same network, initial parameters, videos and number
 * of threads. First, the losses of both must agree with those that the other engine computes in float64; a way of it
 * that does not agree is left out. Then their steps alternate, so that other load on the machine slows down both.
 */
final class PeerComparison {

    /** The values of {@code --peer}; a build may have none of them. */
    private static final List<String> PEERS = List.of("pytorch");

    /** The tolerances of the first loss, and of the loss after one step of Adam. */
    private record Tolerance(double first, double second) {
    }

    /** The absolute errors of the first loss, and of the loss after one step of Adam. */
    private record Error(double first, double second) {

        boolean within(Tolerance tolerance) {
            return first <= tolerance.first && second <= tolerance.second; // False for NaN.
        }

        Error orMore(Error other) {
            return other == null ? this : new Error(Math.max(first, other.first), Math.max(second, other.second));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "by %.2g at first and by %.2g after a step", first, second);
        }
    }

    /** A way of the peer with wrong losses. */
    private record LeftOut(Precision precision, String way, Error error) {
    }

    private static final Tolerance FP32 = new Tolerance(1e-5, 1e-4);
    /** Both engines round to 8 bits, but not the same values. */
    private static final Tolerance BF16 = new Tolerance(2e-3, 1e-2);

    /** Seconds per video at one precision: the medians, and the times of all steps, ours first. */
    private record Compared(Precision precision, double ours, double peers, double[][] steps, String way) {
    }

    private final Peer peer;
    private final DeviceOptions device;
    private final ModelConfig model;
    private final int batch;
    private final int rounds;
    private final int frames = MovingMnist.FRAMES - 1;
    private final Map<String, HostTensor> initial;
    private final float[] inputs;
    private final float[] targets;
    private double[] right;
    /** By precision, the largest error of the losses of what is compared. */
    private final Map<String, Error> errors = new LinkedHashMap<>();
    private final List<LeftOut> leftOut = new ArrayList<>();

    /**
     * @param device the CPU, with any number of threads; its precision is set by the comparison
     * @param batch videos per step
     * @param rounds measured steps of each engine
     */
    PeerComparison(Peer peer, DeviceOptions device, ModelConfig model, int batch, int rounds) {
        this.peer = peer;
        Options.require(device.device == Device.AUTO || device.device == Device.CPU,
                "--peer compares on the CPU; leave out --device, or choose cpu.");
        Options.require(device.precision != Precision.TF32, "--peer compares fp32 and bf16, not tf32.");
        Options.require(model.computedAs(Loss.BINARY_CROSSENTROPY) == Loss.BINARY_CROSSENTROPY_FROM_LOGITS,
                "--peer trains on logits; choose a model whose last Conv3D has a sigmoid.");
        Options.require((long) frames * batch * model.input().size() <= HostTensor.MAX_SIZE,
                "--batch-size " + batch + " is too large to compare with a peer; choose a smaller one.");
        this.device = device;
        device.device = Device.CPU;
        if (device.threads == 0) {
            device.threads = Processor.threads();
        }
        this.model = model;
        this.batch = batch;
        this.rounds = rounds;
        initial = Parameters.initial(model, 1);
        inputs = videos(0);
        targets = videos(1);
    }

    /**
     * @param name the value of {@code --peer}
     * @throws FramecastException if there is no such peer, or it is not in this build
     */
    static Peer find(String name) {
        Options.require(PEERS.contains(name), "There is no peer \"" + name + "\" to compare with; choose "
                + String.join(" or ", PEERS) + ".");
        for (Peer peer : ServiceLoader.load(Peer.class)) {
            if (peer.name().equals(name)) {
                return peer;
            }
        }
        throw new FramecastException("The comparison with " + name + " is not on the class path; start it by "
                + "tools/framecast, which builds it.");
    }

    /**
     * Pixels of Moving MNIST, row after row without regard to its frame size: (frames, batch, height, width, channels).
     */
    private float[] videos(int firstFrame) {
        MovingMnist videos = MovingMnist.training(batch, 1);
        int size = model.input().size();
        float[] all = new float[frames * batch * size];
        for (int b = 0; b < batch; b++) {
            float[] video = videos.get(b).values();
            for (int t = 0; t < frames; t++) {
                for (int k = 0; k < size; k++) {
                    all[(t * batch + b) * size + k] = video[(int) (((long) (firstFrame + t) * size + k)
                            % video.length)];
                }
            }
        }
        return all;
    }

    /**
     * Compares, and prints the results.
     *
     * @return the figures, for JSON
     * @throws FramecastException if the losses of this engine are wrong, or those of all ways of the other
     */
    Map<String, Object> run(List<Precision> precisions) {
        try {
            System.out.println(peer.description() + " computes two steps in float64, to know which losses are right; "
                    + "that may take minutes");
            right = peer.lossesInFloat64(model, initial, device.threads, batch, frames, inputs, targets);
            System.out.printf(Locale.ROOT, "  losses %.7f and %.7f%n", right[0], right[1]);
            if (!precisions.contains(Precision.FP32)) {
                // Only in fp32 do both engines compute the same except for rounding.
                checkOurs();
            }
            List<Compared> times = new ArrayList<>();
            for (Precision precision : precisions) {
                times.add(compare(precision));
            }
            return report(times);
        } catch (LinkageError e) {
            throw new FramecastException(peer.name() + " cannot be loaded here: " + e.getMessage() + ".", e);
        }
    }

    private Backend open(Precision precision) {
        device.precision = precision;
        return device.open();
    }

    private Peer.Training theirs(Precision precision, String way) {
        return peer.train(model, initial, precision, device.threads, batch, frames, way);
    }

    private void checkOurs() {
        try (Backend backend = open(Precision.FP32);
                Peer.Training ours = new OwnTraining(backend, model, initial, batch, frames)) {
            requireRight(ours, Precision.FP32);
        }
    }

    private void requireRight(Peer.Training ours, Precision precision) {
        double[] losses = {ours.step(inputs, targets), ours.step(inputs, targets)};
        Error error = error(losses);
        if (!error.within(tolerance(precision))) {
            throw new FramecastException(String.format(Locale.ROOT, "Framecast computes wrong losses in %s here, %.7f "
                    + "and %.7f: they are off %s, where %s are allowed; please report this with the model and the "
                    + "type of the processor.", text(precision), losses[0], losses[1], error, allowed(precision)));
        }
        compared(precision, error);
    }

    private Error error(double[] losses) {
        return new Error(Math.abs(losses[0] - right[0]), Math.abs(losses[1] - right[1]));
    }

    private static Tolerance tolerance(Precision precision) {
        return precision == Precision.FP32 ? FP32 : BF16;
    }

    private static String allowed(Precision precision) {
        return String.format(Locale.ROOT, "%.0e and %.0e", tolerance(precision).first, tolerance(precision).second);
    }

    private void compared(Precision precision, Error error) {
        errors.put(text(precision), error.orMore(errors.get(text(precision))));
    }

    /** Whether a way of the peer computes the right losses; prints a message if not. */
    private boolean agrees(Precision precision, String way, double[] losses) {
        Error error = error(losses);
        if (error.within(tolerance(precision))) {
            compared(precision, error);
            return true;
        }
        System.out.printf(Locale.ROOT, "  left out, as its losses are wrong here: %s (%.7f and %.7f, off %s)%n", way,
                losses[0], losses[1], error);
        leftOut.add(new LeftOut(precision, way, error));
        return false;
    }

    private Compared compare(Precision precision) {
        try (Backend backend = open(precision);
                Peer.Training ours = new OwnTraining(backend, model, initial, batch, frames)) {
            requireRight(ours, precision);
            System.out.println(peer.description() + ", " + text(precision) + ":");
            String way = fastest(precision);
            try (Peer.Training theirs = theirs(precision, way)) {
                seconds(theirs);
                seconds(ours);
                System.out.println("  the fastest, in turn with ours: " + way);
                double[][] times = new double[2][rounds];
                for (int round = 0; round < rounds; round++) {
                    times[0][round] = seconds(ours) / batch;
                    times[1][round] = seconds(theirs) / batch;
                }
                return new Compared(precision, Times.median(times[0]), Times.median(times[1]), times, way);
            }
        }
    }

    /**
     * The other engine's fastest way, which depends on the processor and on the precision. Each way is measured twice,
     * in two rounds, and the shorter time counts: other load on the machine only adds time.
     */
    private String fastest(Precision precision) {
        Map<String, Peer.Training> trainings = new LinkedHashMap<>();
        try {
            Map<String, Double> first = new LinkedHashMap<>();
            for (String way : peer.ways()) {
                trainings.put(way, theirs(precision, way));
                first.put(way, trainings.get(way).step(inputs, targets));
            }
            Map<String, Double> seconds = new LinkedHashMap<>();
            for (String way : peer.ways()) {
                long begin = System.nanoTime();
                double second = trainings.get(way).step(inputs, targets);
                double took = (System.nanoTime() - begin) / 1e9;
                if (agrees(precision, way, new double[] {first.get(way), second})) {
                    seconds.put(way, took);
                }
            }
            if (seconds.isEmpty()) {
                throw new FramecastException(peer.description() + " computes the right losses in none of its ways in "
                        + text(precision) + " here, where they may be off by " + allowed(precision)
                        + ", so that a comparison would mean nothing.");
            }
            seconds.replaceAll((way, took) -> Math.min(took, seconds(trainings.get(way))));
            seconds.forEach((way, took) -> System.out.printf(Locale.ROOT, "  %.3f s a video: %s%n", took / batch, way));
            return Collections.min(seconds.entrySet(), Map.Entry.comparingByValue()).getKey();
        } finally {
            trainings.values().forEach(Peer.Training::close);
        }
    }

    private double seconds(Peer.Training training) {
        long begin = System.nanoTime();
        training.step(inputs, targets);
        return (System.nanoTime() - begin) / 1e9;
    }

    private Map<String, Object> report(List<Compared> all) {
        Compared best = all.get(0);
        for (Compared times : all) {
            best = times.peers < best.peers ? times : best;
        }
        System.out.printf(Locale.ROOT, "batches of %s of %s, %s, steps of both in turn, medians of %d%n",
                Count.of(batch, "video"), Count.of(frames, "input frame"), Count.of(device.threads, "thread"), rounds);
        Map<String, Object> precisions = new LinkedHashMap<>();
        for (Compared times : all) {
            System.out.printf(Locale.ROOT,
                    "  %s: %.3f s a video, %s %.3f s: %.2f times as fast, %.2f times as fast as its best, %s%n",
                    text(times.precision), times.ours, peer.description(), times.peers, times.peers / times.ours,
                    best.peers / times.ours, text(best.precision));
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("seconds_per_video", times.ours);
            figures.put("peer_seconds_per_video", times.peers);
            figures.put("of_peer", times.ours / times.peers);
            figures.put("of_peer_best", times.ours / best.peers);
            // If these scatter, other programs were running.
            figures.put("steps", times.steps[0]);
            figures.put("peer_steps", times.steps[1]);
            figures.put("peer_way", times.way);
            precisions.put(text(times.precision), figures);
        }
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("name", peer.name());
        report.put("description", peer.description());
        report.put("threads", device.threads);
        report.put("batch", batch);
        report.put("rounds", rounds);
        report.put("float64_losses", right);
        Map<String, Object> differences = new LinkedHashMap<>();
        errors.forEach((precision, error) -> differences.put(precision, List.of(error.first, error.second)));
        report.put("loss_differences", differences);
        report.put("ways_left_out", leftOut.stream().map(left -> Map.of("precision", text(left.precision), "way",
                left.way, "loss_differences", List.of(left.error.first, left.error.second))).toList());
        report.put("precisions", precisions);
        report.put("peer_best_seconds_per_video", best.peers);
        report.put("peer_best_precision", text(best.precision));
        return report;
    }

    private static String text(Precision precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }
}
