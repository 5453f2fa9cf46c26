package io.framecast.train;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.FramecastException;
import io.framecast.backend.Loss;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.data.Videos;
import io.framecast.golden.Golden;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelJson;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole runs against PyTorch in float64, with all that a run may have beside its network, loss and Adam: Muon, warm-up,
 * schedule, clipping, moving average of the weights, scheduled sampling and the frames of the loss.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class TrainingRecipeTest {

    /** Relative, for losses after up to twelve steps of Adam in float32. */
    private static final double TOLERANCE = 2e-5;

    /** Absolute, for weights: Adam's steps are about the learning rate, also where a gradient is all rounding error. */
    private static final double WEIGHTS = 1e-4;

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("recipes").cases();
    }

    /** Collects a run's results, and stops it after a step. */
    private static final class Listener implements TrainingListener {
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
    }

    private static TrainingSettings settings(Golden.Case c) {
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

    private static Map<String, HostTensor> parameters(Golden.Case c, String prefix) {
        Map<String, HostTensor> parameters = new HashMap<>();
        for (String name : c.named(prefix)) {
            parameters.put(name, new HostTensor(c.shape(prefix + name), c.values(prefix + name)));
        }
        return parameters;
    }

    private static Videos videos(Golden.Case c) {
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

    private Listener run(Golden.Case c, Checkpoint from, long stopAfter) {
        Videos videos = videos(c);
        Listener listener = new Listener();
        try (TestBackend backend = TestBackend.fp32(device)) {
            Trainer trainer = backend.own(new Trainer(backend.get(), from, videos.slice(0, c.number("videos")),
                    videos.slice(c.number("videos"), videos.count()), settings(c), listener));
            listener.stop = trainer::stop;
            listener.stopAfter = stopAfter;
            trainer.run();
        }
        return listener;
    }

    private static Checkpoint start(Golden.Case c) {
        return new Checkpoint(ModelJson.parse(c.settings().get("model").toString(), c.name()), parameters(c, "value."),
                null);
    }

    private static void assertClose(String what, double[] expected, List<Double> actual, double tolerance) {
        assertEquals(expected.length, actual.size(), what);
        for (int k = 0; k < expected.length; k++) {
            assertEquals(expected[k], actual.get(k), tolerance * expected[k], what + " " + (k + 1));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void lossesRatesAndWeightsAreThoseOfTheDefinitions(Golden.Case c) {
        Listener run = run(c, start(c), 0);
        assertClose("loss of step", c.numbers("losses"), run.losses, TOLERANCE);
        assertClose("validation loss of epoch", c.numbers("validation_losses"),
                run.epochs.stream().map(EpochMetrics::validationLoss).toList(), TOLERANCE);
        assertClose("rate of epoch", c.numbers("rates"), run.epochs.stream().map(EpochMetrics::learningRate).toList(),
                1e-12);
        assertEquals(c.settings().path("begins").isNumber() ? List.of(c.settings().get("begins").longValue())
                : List.of(), run.samplingFrom);
        if (settings(c).ema() == 0) {
            assertNull(run.last.training().weights());
            return;
        }
        // The last epoch is the best. Forecasts are made with the averages; a resumed run needs the last weights, too.
        for (Checkpoint checkpoint : List.of(run.last, run.best)) {
            for (String name : c.named("average.")) {
                assertWithin("average " + name, c.values("average." + name),
                        checkpoint.parameters().get(name).values(), WEIGHTS);
                assertWithin("weights " + name, c.values("weights." + name),
                        checkpoint.training().weights().get(name).values(), WEIGHTS);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aRunStoppedAnywhereGoesOnBitForBit(Golden.Case c) {
        Listener whole = run(c, start(c), 0);
        int steps = whole.losses.size();
        Checkpoint at = start(c);
        List<Double> losses = new ArrayList<>();
        for (long stop : new long[] {1, steps / 2, steps - 1, 0}) {
            Listener part = run(c, at, stop);
            losses.addAll(part.losses);
            at = part.last;
        }
        assertEquals(whole.losses, losses);
        assertSame(whole.last.parameters(), at.parameters());
        assertSame(whole.last.training().m(), at.training().m());
        if (whole.last.training().weights() != null) {
            assertSame(whole.last.training().weights(), at.training().weights());
        }
        assertTrue(steps >= 6);
    }

    @Test
    void aRunDoesNotGoOnWithAnotherOptimiser() {
        Golden.Case c = cases().stream().filter(one -> one.settings().has("optimizer")).findAny().orElseThrow();
        Checkpoint at = run(c, start(c), 1).last;
        Videos videos = videos(c);
        try (TestBackend backend = TestBackend.fp32(device)) {
            TrainingSettings adam = TrainingSettings.builder().ema(0.5).loss(Loss.MEAN_SQUARED_ERROR).build();
            assertEquals("The checkpoint has the state of another optimiser; begin a new run from its parameters.",
                    assertThrows(FramecastException.class, () -> new Trainer(backend.get(), at, videos, videos, adam,
                            new Listener())).getMessage());
        }
    }

    private static void assertSame(Map<String, HostTensor> expected, Map<String, HostTensor> actual) {
        assertEquals(expected.keySet(), actual.keySet());
        expected.forEach((name, tensor) -> assertArrayEquals(tensor.values(), actual.get(name).values(), name));
    }
}
