package io.framecast.tools.check.golden;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.Loss;
import io.framecast.data.Videos;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import io.framecast.train.EpochMetrics;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The golden cases of whole runs, with all that a run may have beside its network, loss and Adam: Muon, warm-up,
 * schedule, clipping, moving average of the weights, scheduled sampling and the frames of the loss.
 */
public final class GoldenRecipe {

    /** Relative, for losses after up to twelve steps of Adam in float32. */
    private static final double LOSS = 2e-5;

    /** Absolute, for weights: Adam's steps are about the learning rate, also where a gradient is all rounding error. */
    private static final double WEIGHTS = 1e-4;

    /** What a run, or a part of one, has done. */
    public static final class Run implements TrainingListener {
        private final List<Double> losses = new ArrayList<>();
        private final List<EpochMetrics> epochs = new ArrayList<>();
        private final List<Long> samplingFrom = new ArrayList<>();
        private Runnable stop;
        private long stopAfter;
        private Checkpoint last;
        private Checkpoint best;

        @Override
        public void stepDone(StepMetrics step) {
            losses.add(step.loss());
            if (step.step() == stopAfter) {
                stop.run();
            }
        }

        @Override
        public void samplingStarted(long step) {
            samplingFrom.add(step);
        }

        @Override
        public void epochDone(EpochMetrics epoch) {
            epochs.add(epoch);
        }

        @Override
        public void bestFound(Checkpoint found) {
            best = found;
        }

        @Override
        public void checkpointMade(Checkpoint made) {
            last = made;
        }

        /** Of each step. */
        public List<Double> losses() {
            return List.copyOf(losses);
        }

        /** After the last step. */
        public Checkpoint last() {
            return last;
        }
    }

    private GoldenRecipe() {
    }

    public static List<Golden.Case> cases() {
        return Golden.load("recipes").cases();
    }

    public static Checkpoint start(Golden.Case c) {
        return new Checkpoint(ModelJson.parse(c.settings().get("model").toString(), c.name()), c.tensors("value."),
                null);
    }

    public static TrainingSettings settings(Golden.Case c) {
        JsonNode json = c.settings();
        TrainingSettings.Builder builder = TrainingSettings.builder().epochs(c.number("epochs"))
                .batchSize(c.number("batch")).learningRate(json.get("learning_rate").doubleValue()).shuffle(false)
                .loss(Loss.valueOf(c.text("loss").toUpperCase(Locale.ROOT)))
                .schedule(TrainingSettings.Schedule.valueOf(c.text("schedule").toUpperCase(Locale.ROOT)))
                .scheduledSampling(new TrainingSettings.Sampling(json.at("/sampling/0").doubleValue(),
                        json.at("/sampling/1").doubleValue()))
                .warmup(json.path("warmup").asDouble()).clipNorm(json.path("clip_norm").asDouble())
                .ema(json.path("ema").asDouble()).context(json.path("context").asInt());
        if (json.has("optimizer")) {
            builder.optimizer(TrainingSettings.OptimizerKind.valueOf(c.text("optimizer").toUpperCase(Locale.ROOT)));
        }
        if (json.has("loss_frames")) {
            builder.lossFrames(TrainingSettings.LossFrames.FORECAST);
        }
        return builder.build();
    }

    public static Videos videos(Golden.Case c) {
        int[] shape = c.shape("videos");
        float[] values = c.values("videos");
        int frame = shape[2] * shape[3] * shape[4];
        float[] videos = new float[values.length];
        for (int t = 0; t < shape[0]; t++) {
            for (int n = 0; n < shape[1]; n++) {
                System.arraycopy(values, (t * shape[1] + n) * frame, videos, (n * shape[0] + t) * frame, frame);
            }
        }
        return Videos.of(videos, shape[1], shape[0], shape[2], shape[3], shape[4]);
    }

    /**
     * Trains.
     *
     * @param from where to begin, or to go on
     * @param stopAfter the step to stop after; 0: the run goes to its end
     */
    public static Run run(OpScope scope, Golden.Case c, Checkpoint from, long stopAfter) {
        Videos videos = videos(c);
        Run run = new Run();
        Trainer trainer = scope.own(new Trainer(scope.get(), from, videos.slice(0, c.number("videos")),
                videos.slice(c.number("videos"), videos.count()), settings(c), run));
        run.stop = trainer::stop;
        run.stopAfter = stopAfter;
        trainer.run();
        return run;
    }

    /** The differences of losses, learning rates and weights. */
    public static List<Difference> compare(OpScope scope, Golden.Case c) {
        Run run = run(scope, c, start(c), 0);
        List<Difference> differences = new ArrayList<>();
        add(differences, "loss of step", c.numbers("losses"), run.losses, LOSS);
        add(differences, "validation loss of epoch", c.numbers("validation_losses"),
                run.epochs.stream().map(EpochMetrics::validationLoss).toList(), LOSS);
        add(differences, "rate of epoch", c.numbers("rates"),
                run.epochs.stream().map(EpochMetrics::learningRate).toList(), 1e-12);
        JsonNode begins = c.settings().path("begins");
        add(differences, "first step of sampling", begins.isNumber() ? new double[] {begins.doubleValue()}
                : new double[0], run.samplingFrom.stream().map(Long::doubleValue).toList(), 0);
        Map<String, HostTensor> weights = run.last.training().weights();
        differences.add(Difference.of("whether there is an average of the weights", settings(c).ema() == 0 ? 0 : 1,
                weights == null ? 0 : 1, 0));
        if (weights != null) {
            // The last epoch is the best. Forecasts use the averages; a resumed run needs the last weights, too.
            for (Checkpoint checkpoint : List.of(run.last, run.best)) {
                for (String name : c.named("average.")) {
                    differences.add(Difference.absolute("average " + name, c.values("average." + name),
                            checkpoint.parameters().get(name).values(), WEIGHTS));
                    differences.add(Difference.absolute("weights " + name, c.values("weights." + name),
                            checkpoint.training().weights().get(name).values(), WEIGHTS));
                }
            }
        }
        return differences;
    }

    private static void add(List<Difference> differences, String what, double[] expected, List<Double> actual,
            double tolerance) {
        differences.add(Difference.of("number of values of " + what, expected.length, actual.size(), 0));
        for (int k = 0; k < Math.min(expected.length, actual.size()); k++) {
            differences.add(Difference.of(what + " " + (k + 1), expected[k], actual.get(k), tolerance * expected[k]));
        }
    }

    /** How many values of the checkpoints of two runs are not the same bits; missing tensors count as one. */
    public static Difference compareBits(String what, Checkpoint expected, Checkpoint actual) {
        long different = differing(expected.parameters(), actual.parameters())
                + differing(expected.training().m(), actual.training().m())
                + differing(expected.training().weights(), actual.training().weights());
        return Difference.of("differing values of " + what, 0, different, 0);
    }

    private static long differing(Map<String, HostTensor> expected, Map<String, HostTensor> actual) {
        if (expected == null || actual == null) {
            return expected == actual ? 0 : 1;
        }
        long different = expected.keySet().equals(actual.keySet()) ? 0 : 1;
        for (Map.Entry<String, HostTensor> one : expected.entrySet()) {
            HostTensor other = actual.get(one.getKey());
            if (other != null && !Arrays.equals(one.getValue().values(), other.values())) {
                different++;
            }
        }
        return different;
    }
}
