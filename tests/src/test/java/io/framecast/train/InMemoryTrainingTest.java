package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Loss;
import io.framecast.backend.TestBackend;
import io.framecast.data.Videos;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training in memory, as users of the library do it. */
class InMemoryTrainingTest {

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 6, "width": 8, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 3, "kernel_size": 3, "padding": "same", "activation": "tanh"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}""", "test");
    private static final Videos TRAINING = inMemory(new MovingSquares(5, 6, 6, 8, 1));
    private static final Videos VALIDATION = inMemory(new MovingSquares(9, 6, 6, 8, 1).slice(5, 8));
    private static final Videos NONE = TRAINING.slice(0, 0);
    private static final TrainingSettings SETTINGS =
            TrainingSettings.builder().epochs(3).batchSize(2).learningRate(0.02).seed(4).build();

    @TempDir
    Path directory;

    private static Videos inMemory(Videos videos) {
        int size = videos.frames() * videos.frameSize();
        float[] values = new float[videos.count() * size];
        for (int k = 0; k < videos.count(); k++) {
            System.arraycopy(videos.get(k).values(), 0, values, k * size, size);
        }
        return Videos.of(values, videos.count(), videos.frames(), videos.height(), videos.width(), videos.channels());
    }

    private static TrainingResult fit(Checkpoint start, Videos training, Videos validation, TrainingSettings settings,
            TrainingListener... listeners) {
        try (TestBackend backend = TestBackend.fp32()) {
            return Trainer.fit(backend.get(), start, training, validation, settings, listeners);
        }
    }

    private static void assertSameParameters(Checkpoint expected, Checkpoint actual) {
        assertEquals(expected.parameters().keySet(), actual.parameters().keySet());
        expected.parameters().forEach((name, tensor) ->
                assertArrayEquals(tensor.values(), actual.parameters().get(name).values(), name));
    }

    @Test
    void withoutADirectoryTheBitsAreThoseOfOneWithADirectory() {
        Checkpoint start = Checkpoint.initial(MODEL, 3);
        TrainingResult result = fit(start, TRAINING, VALIDATION, SETTINGS);
        List<StepMetrics> steps = new ArrayList<>();
        Path path = directory.resolve("run");
        try (TestBackend backend = TestBackend.fp32();
                RunDirectory run = RunDirectory.create(path, false, note -> { });
                Trainer trainer = new Trainer(backend.get(), start, TRAINING, VALIDATION, SETTINGS, run,
                        new TrainingListener() {
                            @Override
                            public void stepDone(StepMetrics step) {
                                steps.add(step);
                            }
                        })) {
            assertEquals(result.outcome(), trainer.run());
        }
        assertEquals(9, steps.size());
        assertEquals(steps.stream().map(StepMetrics::loss).toList(),
                result.steps().stream().map(StepMetrics::loss).toList());
        assertEquals(3, result.epochs().size());
        assertSameParameters(Checkpoint.read(RunDirectory.bestCheckpoint(path)), result.best());
        Checkpoint last = Checkpoint.read(RunDirectory.lastCheckpoint(path));
        assertSameParameters(last, result.last());
        last.training().v().forEach((name, tensor) ->
                assertArrayEquals(tensor.values(), result.last().training().v().get(name).values(), name));
        assertNull(result.last().training().run());
        assertNotNull(last.training().run());
    }

    @Test
    void aResultGoesOnBitForBit() {
        Checkpoint start = Checkpoint.initial(MODEL, 3);
        Checkpoint whole = fit(start, TRAINING, VALIDATION, SETTINGS).last();
        Checkpoint half = fit(start, TRAINING, VALIDATION, TrainingSettings.builder().epochs(3).steps(4).batchSize(2)
                .learningRate(0.02).seed(4).build()).last();
        assertEquals(4, half.training().progress().step());
        TrainingResult rest = fit(half, TRAINING, VALIDATION, SETTINGS);
        assertEquals(5, rest.steps().size());
        assertSameParameters(whole, rest.last());
        // A new run with the parameters: nothing of the old run's state is used.
        assertEquals(9, fit(half.withoutTraining(), TRAINING, NONE, SETTINGS).steps().size());
    }

    @Test
    void listenersAreToldInTheirOrder() {
        List<String> told = new ArrayList<>();
        class Told implements TrainingListener {
            private final String name;

            Told(String name) {
                this.name = name;
            }

            @Override
            public void trainingStarted(Checkpoint start) {
                told.add(name + " started at " + start.training().progress().step());
            }

            @Override
            public void epochStarted(int epoch, int batchesDone, int batches) {
                told.add(name + " epoch " + epoch + " of " + batches);
            }

            @Override
            public void bestFound(Checkpoint best) {
                told.add(name + " best at " + best.training().progress().step());
            }

            @Override
            public void checkpointMade(Checkpoint last) {
                told.add(name + " saved at " + last.training().progress().step());
            }
        }
        TrainingListener silent = new TrainingListener() { };
        assertNull(silent.lastCheckpoint());
        fit(Checkpoint.initial(MODEL, 3), TRAINING, NONE, TrainingSettings.builder().epochs(1).batchSize(2).build(),
                new Told("a"), silent, new Told("b"));
        assertEquals(List.of("a started at 0", "b started at 0", "a epoch 1 of 3", "b epoch 1 of 3", "a best at 3",
                "b best at 3", "a saved at 3", "b saved at 3"), told);
    }

    @Test
    void aBestEpochIsReadFromTheDeviceOnce() {
        List<Checkpoint> best = new ArrayList<>();
        List<Checkpoint> last = new ArrayList<>();
        fit(Checkpoint.initial(MODEL, 3), TRAINING, NONE, SETTINGS, new TrainingListener() {
            @Override
            public void bestFound(Checkpoint checkpoint) {
                best.add(checkpoint);
            }

            @Override
            public void checkpointMade(Checkpoint checkpoint) {
                last.add(checkpoint);
            }
        });
        assertEquals(3, last.size());
        assertSame(last.get(0), best.get(0));
    }

    @Test
    void aRunThatLosesItsNumbersSaysWhatToDoAndNamesNoFile() {
        DivergedException e = assertThrows(DivergedException.class, () -> fit(Checkpoint.initial(MODEL, 3), TRAINING,
                NONE, TrainingSettings.builder().learningRate(1e30).loss(Loss.MEAN_SQUARED_ERROR).build()));
        assertTrue(e.getMessage().matches("The .* became .* at step \\d+\\. Try a smaller learning rate\\."),
                e.getMessage());
    }

    private static void refused(String message, Videos training, Videos validation) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> fit(Checkpoint.initial(MODEL, 3), training, validation, SETTINGS));
        assertTrue(e.getMessage().matches(message), e.getMessage());
    }

    @Test
    void videosThatDoNotFitAreRefused() {
        refused(".*8x6x1, .*6x8x1", new MovingSquares(5, 6, 8, 6, 1), NONE);
        refused(".*6x8x3, .*6x8x1", TRAINING, new MovingSquares(5, 6, 6, 8, 3));
        refused("training videos have 6 frames, but validation videos 7", TRAINING, new MovingSquares(5, 7, 6, 8, 1));
        refused(".* in 0 videos of 6 frames", NONE, VALIDATION);
        refused(".* in 5 videos of 1 frames", new MovingSquares(5, 1, 6, 8, 1), NONE);
        assertThrows(IllegalArgumentException.class, () -> fit(Checkpoint.initial(MODEL, 3), TRAINING, VALIDATION,
                TrainingSettings.builder().context(6).build()));
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        TrainingSettings.Builder good = TrainingSettings.builder();
        assertEquals(new TrainingSettings(20, 0, 5, TrainingSettings.OptimizerKind.ADAM, 0.001,
                TrainingSettings.Schedule.CONSTANT, 0, 0, 0, TrainingSettings.Sampling.NEVER, 0,
                TrainingSettings.LossFrames.ALL, 1, true, Loss.BINARY_CROSSENTROPY), good.build());
        assertEquals(Integer.MAX_VALUE, TrainingSettings.builder().steps(7).build().epochs());
        assertEquals(2, TrainingSettings.builder().steps(7).epochs(2).build().epochs());
        for (TrainingSettings.Builder wrong : List.of(TrainingSettings.builder().epochs(0),
                TrainingSettings.builder().steps(-1), TrainingSettings.builder().batchSize(0),
                TrainingSettings.builder().learningRate(0), TrainingSettings.builder().learningRate(Double.NaN),
                TrainingSettings.builder().warmup(-0.1), TrainingSettings.builder().warmup(1.1),
                TrainingSettings.builder().clipNorm(-1), TrainingSettings.builder().clipNorm(Double.NaN),
                TrainingSettings.builder().ema(-0.1), TrainingSettings.builder().ema(1),
                TrainingSettings.builder().context(-1), TrainingSettings.builder().lossFrames(null),
                TrainingSettings.builder().scheduledSampling(null),
                TrainingSettings.builder().schedule(null), TrainingSettings.builder().loss(null))) {
            assertThrows(IllegalArgumentException.class, wrong::build);
        }
        for (double[] shares : new double[][] {{1.1, 1.1}, {-0.1, 0.5}, {0.5, 0.4}, {0.5, 1.1}, {Double.NaN, 1}}) {
            assertThrows(IllegalArgumentException.class, () -> new TrainingSettings.Sampling(shares[0], shares[1]));
        }
    }

    @Test
    void aClosedTrainerSaysSo() {
        try (TestBackend backend = TestBackend.fp32()) {
            Trainer trainer = new Trainer(backend.get(), Checkpoint.initial(MODEL, 3), TRAINING, NONE, SETTINGS);
            trainer.close();
            trainer.close();
            assertThrows(IllegalStateException.class, trainer::run);
        }
    }

    /** As {@code Future.cancel(true)} does. Files could not be written while the thread is marked as interrupted. */
    @Test
    void anInterruptStopsAfterTheStepAndLeavesACheckpoint() {
        Checkpoint start = Checkpoint.initial(MODEL, 3);
        Path path = directory.resolve("run");
        TrainingListener interrupts = new TrainingListener() {
            @Override
            public void stepDone(StepMetrics step) {
                if (step.step() == 2) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        try (TestBackend backend = TestBackend.fp32()) {
            try (RunDirectory run = RunDirectory.create(path, false, note -> { });
                    Trainer trainer = new Trainer(backend.get(), start, TRAINING, VALIDATION, SETTINGS, interrupts,
                            run)) {
                assertEquals(Trainer.Outcome.INTERRUPTED, trainer.run());
                assertTrue(Thread.interrupted());
            }
            Checkpoint last = Checkpoint.read(RunDirectory.lastCheckpoint(path));
            assertEquals(2, last.training().progress().step());
            TrainingResult whole = Trainer.fit(backend.get(), start, TRAINING, VALIDATION, SETTINGS);
            assertSameParameters(whole.last(), Trainer.fit(backend.get(), last, TRAINING, VALIDATION, SETTINGS).last());
        }
    }

    @Test
    void aTrainerThatRunsCannotBeRunAgain() {
        Trainer[] trainer = new Trainer[1];
        List<String> refused = new ArrayList<>();
        TrainingListener runsAgain = new TrainingListener() {
            @Override
            public void stepDone(StepMetrics step) {
                refused.add(assertThrows(IllegalStateException.class, trainer[0]::run).getMessage());
            }
        };
        try (TestBackend backend = TestBackend.fp32()) {
            trainer[0] = new Trainer(backend.get(), Checkpoint.initial(MODEL, 3), TRAINING, NONE,
                    TrainingSettings.builder().steps(1).batchSize(2).build(), runsAgain);
            try (Trainer running = trainer[0]) {
                running.run();
            }
        }
        assertEquals(List.of("the trainer is running"), refused);
    }

    @Test
    void theLossFromLogitsIsChosenByTheModelNotByTheSettings() {
        TrainingSettings.Builder builder = TrainingSettings.builder().loss(Loss.BINARY_CROSSENTROPY_FROM_LOGITS);
        assertThrows(IllegalArgumentException.class, builder::build);
    }

    @Test
    void valuesBeyondBlackAndWhiteAreRefused() {
        for (float wrong : new float[] {255, -0.1f, Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] values = new float[2 * 3 * 4];
            values[4 * 4] = wrong;
            assertEquals("video 1 has the value " + wrong + " in frame 1; values must be from 0 to 1",
                    assertThrows(IllegalArgumentException.class, () -> Videos.of(values, 2, 3, 2, 2, 1)).getMessage());
        }
    }
}
