package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.Processor;
import io.framecast.data.MovingMnist;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Parameters;
import io.framecast.tools.bench.OwnTraining;
import io.framecast.tools.bench.Peer;
import io.framecast.tools.bench.Times;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Compares training steps with another engine's, in one process: the same network, initial parameters, videos and
 * number of threads. First both must compute the same losses; then their steps alternate, so that whatever else the
 * machine does slows both.
 */
final class PeerComparison {

    /** What {@code --peer} takes; whether it was built in is another question. */
    private static final List<String> PEERS = List.of("pytorch");

    /** By how much the first losses may differ, and those after one step of Adam. */
    private record Tolerance(double first, double second) {
    }

    private static final Tolerance FP32 = new Tolerance(1e-5, 1e-4);
    /** Both round to 8 bits, but not the same things. */
    private static final Tolerance BF16 = new Tolerance(2e-3, 1e-2);

    /** Seconds a video at one precision: medians, and those of each step they are of, ours first. */
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
    /** By precision: the most by which first and second losses differed. */
    private final Map<String, List<Double>> differences = new LinkedHashMap<>();

    /**
     * @param device the CPU, with any number of threads; changed to what each part of the comparison takes
     * @param batch videos a step
     * @param rounds steps of each engine that count
     */
    PeerComparison(Peer peer, DeviceOptions device, ModelConfig model, int batch, int rounds) {
        this.peer = peer;
        Options.require(device.device == DeviceOptions.Device.AUTO || device.device == DeviceOptions.Device.CPU,
                "--peer compares on the CPU; leave out --device, or choose cpu.");
        Options.require(device.precision != Precision.TF32, "--peer compares fp32 and bf16, not tf32.");
        Options.require(model.computedAs(Loss.BINARY_CROSSENTROPY) == Loss.BINARY_CROSSENTROPY_FROM_LOGITS,
                "--peer trains on logits; choose a model whose last Conv3D has a sigmoid.");
        Options.require((long) frames * batch * model.input().size() <= HostTensor.MAX_SIZE,
                "--batch-size " + batch + " is too large to compare with a peer; choose a smaller one.");
        this.device = device;
        device.device = DeviceOptions.Device.CPU;
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
     * @param name what {@code --peer} was given
     * @throws FramecastException if there is no such peer, or it was not built
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

    /** Real videos, as far as they fill the model's frames: (frames, batch, height, width, channels). */
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
     * Compares, and prints what it finds.
     *
     * @return the figures, for JSON
     * @throws FramecastException if both do not compute the same
     */
    Map<String, Object> run(List<Precision> precisions) {
        try {
            if (!precisions.contains(Precision.FP32)) {
                // Only there do both compute the same but for the order of sums.
                check();
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

    private void check() {
        try (Backend backend = open(Precision.FP32);
                Peer.Training ours = new OwnTraining(backend, model, initial, batch, frames);
                Peer.Training theirs = theirs(Precision.FP32, peer.ways().get(0))) {
            agree(Precision.FP32, peer.ways().get(0), losses(ours), losses(theirs));
        }
    }

    /** The losses of the first step and of the second. */
    private double[] losses(Peer.Training training) {
        return new double[] {training.step(inputs, targets), training.step(inputs, targets)};
    }

    private void agree(Precision precision, String way, double[] ours, double[] theirs) {
        Tolerance tolerance = precision == Precision.FP32 ? FP32 : BF16;
        double first = Math.abs(ours[0] - theirs[0]);
        double second = Math.abs(ours[1] - theirs[1]);
        System.out.printf(Locale.ROOT, "  losses %.7f and %.7f, ours %.7f and %.7f: %s%n", theirs[0], theirs[1],
                ours[0], ours[1], way);
        if (!(first <= tolerance.first && second <= tolerance.second)) { // So that NaN does not agree, either.
            throw new FramecastException(String.format(Locale.ROOT, "%s computes other losses than Framecast in %s, by "
                    + "%.2g at first and %.2g after a step where %.0e and %.0e are allowed, so that a comparison would "
                    + "mean nothing.", peer.description(), text(precision), first, second, tolerance.first,
                    tolerance.second));
        }
        differences.merge(text(precision), List.of(first, second), (a, b) -> List.of(Math.max(a.get(0), b.get(0)),
                Math.max(a.get(1), b.get(1))));
    }

    private Compared compare(Precision precision) {
        try (Backend backend = open(precision);
                Peer.Training ours = new OwnTraining(backend, model, initial, batch, frames)) {
            double[] losses = losses(ours);
            System.out.println(peer.description() + ", " + text(precision) + ":");
            String way = fastest(precision, losses);
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
     * Whoever compares with another engine should use it at its best, and which way that is depends on the processor
     * and on the precision. Two steps of each way count, one of all before the next of any, and of them the shorter:
     * what else the machine does only ever adds.
     */
    private String fastest(Precision precision, double[] ours) {
        List<String> ways = peer.ways();
        List<Peer.Training> trainings = new ArrayList<>();
        try {
            double[] first = new double[ways.size()];
            for (int way = 0; way < ways.size(); way++) {
                trainings.add(theirs(precision, ways.get(way)));
                first[way] = trainings.get(way).step(inputs, targets);
            }
            double[] seconds = new double[ways.size()];
            for (int way = 0; way < ways.size(); way++) {
                long begin = System.nanoTime();
                double second = trainings.get(way).step(inputs, targets);
                seconds[way] = (System.nanoTime() - begin) / 1e9;
                agree(precision, ways.get(way), ours, new double[] {first[way], second});
            }
            int fastest = 0;
            for (int way = 0; way < ways.size(); way++) {
                seconds[way] = Math.min(seconds[way], seconds(trainings.get(way)));
                System.out.printf(Locale.ROOT, "  %.3f s a video: %s%n", seconds[way] / batch, ways.get(way));
                fastest = seconds[way] < seconds[fastest] ? way : fastest;
            }
            return ways.get(fastest);
        } finally {
            trainings.forEach(Peer.Training::close);
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
        System.out.printf(Locale.ROOT, "batches of %d videos of %d input frames, %d threads, steps of both in turn, "
                + "medians of %d%n", batch, frames, device.threads, rounds);
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
            // Where these scatter, something else was running.
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
        report.put("loss_differences", differences);
        report.put("precisions", precisions);
        report.put("peer_best_seconds_per_video", best.peers);
        report.put("peer_best_precision", text(best.precision));
        return report;
    }

    private static String text(Precision precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }
}
