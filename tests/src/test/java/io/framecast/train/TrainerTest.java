package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 6, "width": 8, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 3, "kernel_size": 3, "padding": "same", "activation": "tanh"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}""", "test");

    /** Three batches of two, the last of one video. */
    private static final Videos TRAINING = new MovingSquares(5, 6, 6, 8, 1);
    private static final Videos VALIDATION = new MovingSquares(9, 6, 6, 8, 1).slice(5, 8);
    private static final Videos NONE = TRAINING.slice(0, 0);

    @TempDir
    Path directory;
    /** The messages of the runs. */
    private final List<String> notes = new ArrayList<>();

    private static TrainingSettings settings(int epochs, int steps, double learningRate) {
        return builder(epochs, learningRate).steps(steps).build();
    }

    private static TrainingSettings.Builder builder(int epochs, double learningRate) {
        return TrainingSettings.builder().epochs(epochs).batchSize(2).learningRate(learningRate).seed(7);
    }

    /** Records the events of a run, and may stop it. */
    private static final class Listener implements TrainingListener {
        private final List<StepMetrics> steps = new ArrayList<>();
        private final List<EpochMetrics> epochs = new ArrayList<>();
        private Consumer<StepMetrics> onStep = step -> { };

        @Override
        public void epochStarted(int epoch, int batchesDone, int batches) {
            assertEquals(3, batches);
        }

        @Override
        public void stepDone(StepMetrics step) {
            steps.add(step);
            onStep.accept(step);
        }

        @Override
        public void epochDone(EpochMetrics epoch) {
            epochs.add(epoch);
        }
    }

    /** Stops a run from one of its callbacks. */
    private interface Stopper {
        Videos arm(Listener listener, Videos validation, Runnable stop);
    }

    private Trainer.Outcome train(Path path, Videos training, Videos validation, TrainingSettings settings,
            Listener listener, Stopper stopper) {
        boolean resumes = Files.exists(RunDirectory.lastCheckpoint(path));
        Checkpoint start = resumes ? Checkpoint.read(RunDirectory.lastCheckpoint(path))
                : new Checkpoint(MODEL, Parameters.initial(MODEL, 3), null);
        Trainer[] trainer = new Trainer[1];
        Videos validating = stopper.arm(listener, validation, () -> trainer[0].stop());
        try (TestBackend backend = TestBackend.fp32();
                RunDirectory run = resumes ? RunDirectory.resume(path, notes::add)
                        : RunDirectory.create(path, false, notes::add)) {
            trainer[0] = backend.own(
                    new Trainer(backend.get(), start, training, validating, settings, run, listener));
            return trainer[0].run();
        }
    }

    private Trainer.Outcome train(Path path, Videos validation, TrainingSettings settings) {
        return train(path, TRAINING, validation, settings, new Listener(), (listener, videos, stop) -> videos);
    }

    private static List<String> csv(Path run, String file, int columns) throws IOException {
        return Files.readAllLines(run.resolve(file)).stream()
                .map(line -> String.join(",", Arrays.copyOf(line.split(","), columns))).toList();
    }

    /** Asserts that the files of two runs are the same, except for times. */
    private static void assertSameRun(Path expected, Path actual) throws IOException {
        SafeTensorsFile.assertSame(RunDirectory.lastCheckpoint(expected), RunDirectory.lastCheckpoint(actual));
        SafeTensorsFile.assertSame(RunDirectory.bestCheckpoint(expected), RunDirectory.bestCheckpoint(actual));
        assertEquals(csv(expected, "steps.csv", 2), csv(actual, "steps.csv", 2));
        assertEquals(csv(expected, "metrics.csv", 4), csv(actual, "metrics.csv", 4));
    }

    @Test
    void aRunStoppedAnywhereGoesOnBitForBitAsOneThatWasNot() throws IOException {
        Path whole = directory.resolve("whole");
        assertEquals(Trainer.Outcome.COMPLETED, train(whole, VALIDATION, settings(3, 7, 0.01)));
        assertEquals(8, csv(whole, "steps.csv", 2).size(), "the header and seven steps");
        assertEquals(4, csv(whole, "metrics.csv", 4).size(), "the header, two epochs and the begun third");

        Path again = directory.resolve("again");
        train(again, VALIDATION, settings(3, 7, 0.01));
        assertSameRun(whole, again);

        // Within an epoch, within the next, at the end of one, and at the last step.
        Path pieces = directory.resolve("pieces");
        for (int steps : new int[] {1, 5, 6, 7}) {
            assertEquals(Trainer.Outcome.COMPLETED, train(pieces, VALIDATION, settings(3, steps, 0.01)));
        }
        assertSameRun(whole, pieces);

        Path stopped = directory.resolve("stopped");
        for (int k = 1; k <= 2; k++) {
            Listener listener = new Listener();
            // The fourth step, in the second epoch; then the sixth, the last of it.
            assertEquals(Trainer.Outcome.INTERRUPTED, train(stopped, TRAINING, VALIDATION, settings(3, 7, 0.01),
                    listener,
                    stopAfterStep(2 * k + 2)));
            assertEquals(2 * k + 2, listener.steps.get(listener.steps.size() - 1).step(),
                    "the step in progress is the last");
        }
        Listener listener = new Listener();
        int[] validated = new int[1];
        // The epoch has not been validated yet: the resumed run starts with that, and is stopped during it again.
        assertEquals(Trainer.Outcome.INTERRUPTED, train(stopped, TRAINING, VALIDATION, settings(3, 7, 0.01), listener,
                (l, videos, stop) -> as(videos, index -> {
                    validated[0]++;
                    stop.run();
                    return videos.get(index);
                })));
        assertEquals(List.of(), listener.epochs);
        assertTrue(validated[0] > 0);
        assertEquals(Trainer.Outcome.COMPLETED, train(stopped, VALIDATION, settings(3, 7, 0.01)));
        assertSameRun(whole, stopped);
    }

    @Test
    void soDoesOneWithAScheduleAndOnItsOwnPredictions() throws IOException {
        TrainingSettings settings = builder(3, 0.01).schedule(TrainingSettings.Schedule.COSINE).scheduledSampling(0.3)
                .build();
        Path whole = directory.resolve("whole");
        train(whole, VALIDATION, settings);
        Path stopped = directory.resolve("stopped");
        for (int step : new int[] {2, 5}) {
            assertEquals(Trainer.Outcome.INTERRUPTED,
                    train(stopped, TRAINING, VALIDATION, settings, new Listener(), stopAfterStep(step)));
        }
        assertEquals(Trainer.Outcome.COMPLETED, train(stopped, VALIDATION, settings));
        assertSameRun(whole, stopped);
    }

    private static Stopper stopAfterStep(long last) {
        return (listener, validation, stop) -> {
            listener.onStep = step -> {
                if (step.step() == last) {
                    stop.run();
                }
            };
            return validation;
        };
    }

    /** Videos with the shape of {@code others}, read by {@code get}. */
    private static Videos as(Videos others, IntFunction<Video> get) {
        return new Videos() {
            @Override
            public int count() {
                return others.count();
            }

            @Override
            public int frames() {
                return others.frames();
            }

            @Override
            public int height() {
                return others.height();
            }

            @Override
            public int width() {
                return others.width();
            }

            @Override
            public int channels() {
                return others.channels();
            }

            @Override
            public Video get(int index) {
                return get.apply(index);
            }
        };
    }

    private static Video changed(Video video, DoubleUnaryOperator change) {
        float[] values = video.values().clone();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) change.applyAsDouble(values[i]);
        }
        return new Video(video.frames(), video.height(), video.width(), video.channels(), values);
    }

    @Test
    void anotherSeedIsAnotherOrder() throws IOException {
        Path one = directory.resolve("one");
        train(one, NONE, settings(1, 0, 0.01));
        Path two = directory.resolve("two");
        TrainingSettings other = builder(1, 0.01).seed(8).build();
        train(two, NONE, other);
        assertNotEquals(csv(one, "steps.csv", 2), csv(two, "steps.csv", 2));
    }

    @Test
    void theBestCheckpointHasTheLowestValidationLossByTheMovingAverages() throws IOException {
        Path path = directory.resolve("run");
        Listener listener = new Listener();
        // The second of four epochs is the best: after it the validation videos become their negatives.
        int[] read = new int[1];
        Videos negatives = as(VALIDATION, k -> changed(VALIDATION.get(k), x -> 1 - x));
        Videos turning = as(VALIDATION, k -> (read[0]++ < 2 * VALIDATION.count() ? VALIDATION : negatives).get(k));
        train(path, TRAINING, turning, settings(4, 0, 0.05), listener, (l, videos, stop) -> videos);
        List<Double> losses = listener.epochs.stream().map(EpochMetrics::validationLoss).toList();
        double lowest = Collections.min(losses);
        assertEquals(1, losses.indexOf(lowest), losses.toString());
        // A mean of several hundred float32 values of about 1: rounding errors are below 1e-5.
        assertEquals(lowest, inferenceLoss(RunDirectory.bestCheckpoint(path), VALIDATION), 1e-5);
        assertEquals(losses.get(3), inferenceLoss(RunDirectory.lastCheckpoint(path), negatives), 1e-5);
        assertEquals(lowest, Checkpoint.read(RunDirectory.lastCheckpoint(path)).training().progress().callbacks()
                .modelCheckpoint().best());
        List<String> rows = csv(path, "metrics.csv", 4);
        for (int epoch = 1; epoch <= losses.size(); epoch++) {
            assertTrue(rows.get(epoch).startsWith(epoch + ",") && rows.get(epoch).contains("," + losses.get(epoch - 1)
                    + ",0.05"),
                    rows.get(epoch));
        }
        // An epoch's loss is the mean over its videos: the third step of each epoch has one video, the others have two.
        List<StepMetrics> steps = listener.steps;
        assertEquals((2 * steps.get(0).loss() + 2 * steps.get(1).loss() + steps.get(2).loss()) / 5,
                listener.epochs.get(0).loss(), 1e-12);
    }

    /** Binary cross-entropy of a checkpoint's predictions for videos, one by one, by its definition. */
    private static double inferenceLoss(Path file, Videos videos) {
        Checkpoint checkpoint = Checkpoint.read(file);
        int frames = videos.frames() - 1;
        double sum = 0;
        long count = 0;
        try (TestBackend backend = TestBackend.fp32()) {
            Network network = backend.own(Network.forInference(backend.get(), checkpoint.model(), frames, 1));
            network.parameters().set(checkpoint.parameters());
            for (int k = 0; k < videos.count(); k++) {
                Video video = videos.get(k);
                Tensor x = backend.tensor(video.frames(0, frames).values());
                float[] predicted = network.forward(x, frames, 1, false).read();
                float[] truth = video.frames(1, frames + 1).values();
                for (int i = 0; i < truth.length; i++) {
                    sum -= truth[i] * Math.log(predicted[i]) + (1 - truth[i]) * Math.log(1 - predicted[i]);
                    count++;
                }
            }
        }
        return sum / count;
    }

    @Test
    void withoutValidationTheLowestTrainingLossIsTheBestAndThereIsNoEarlyStop() throws IOException {
        Path path = directory.resolve("run");
        Listener listener = new Listener();
        assertEquals(Trainer.Outcome.COMPLETED,
                train(path, TRAINING, NONE, settings(14, 0, 1e-12), listener, (l, videos, stop) -> videos));
        assertEquals(14, listener.epochs.size());
        assertTrue(Files.readAllLines(path.resolve("metrics.csv")).get(1).matches("1,0\\.\\d+,,1\\.0E-12,\\d+\\.\\d+"));
        Double lowest = listener.epochs.stream().map(EpochMetrics::loss).min(Double::compare).orElseThrow();
        assertEquals(lowest, Checkpoint.read(RunDirectory.bestCheckpoint(path)).training().progress().callbacks()
                .modelCheckpoint().best());
    }

    @Test
    void aPlateauLowersTheLearningRateAndThenStopsTheRunForGood() throws IOException {
        Path path = directory.resolve("run");
        Listener listener = new Listener();
        // Learning increases the loss of the negatives of the training videos.
        Videos negatives = as(TRAINING, index -> changed(TRAINING.get(index), x -> 1 - x));
        assertEquals(Trainer.Outcome.STOPPED_EARLY, train(path, TRAINING, negatives, settings(100, 0, 0.02),
                listener, (l, videos, stop) -> videos));
        int stopped = listener.epochs.size();
        List<Double> losses = listener.epochs.stream().map(EpochMetrics::validationLoss).toList();
        int best = losses.indexOf(Collections.min(losses)) + 1;
        assertEquals(best + 10, stopped);
        for (EpochMetrics epoch : listener.epochs) {
            int since = epoch.epoch() - best;
            assertEquals(0.02 * (since > 10 ? 0.01 : since > 5 ? 0.1 : 1), epoch.learningRate(), 1e-12,
                    epoch.toString());
        }
        // The run stays finished when it is resumed.
        assertEquals(Trainer.Outcome.STOPPED_EARLY, train(path, negatives, settings(100, 0, 0.02)));
        assertEquals(stopped + 1, Files.readAllLines(path.resolve("metrics.csv")).size());

        // A run that is stopped between the reduction of the rate and its end has the same result.
        Path pieces = directory.resolve("pieces");
        train(pieces, negatives, settings(best + 7, 0, 0.02));
        assertEquals(Trainer.Outcome.STOPPED_EARLY, train(pieces, negatives, settings(100, 0, 0.02)));
        assertSameRun(path, pieces);
    }

    @Test
    void aLossThatIsNoNumberStopsTheRunAndTheLastGoodCheckpointStands() {
        Path path = directory.resolve("run");
        int[] read = new int[1];
        // Valid in the first epoch and in the first step of the second.
        Videos spoiled = as(TRAINING, index -> changed(TRAINING.get(index), read[0]++ < 7 ? x -> x : x -> Double.NaN));
        FramecastException e = assertThrows(FramecastException.class, () -> train(path, spoiled, VALIDATION,
                settings(5, 0, 0.01), new Listener(), (l, videos, stop) -> videos));
        Path last = RunDirectory.lastCheckpoint(path);
        assertTrue(e.getMessage().contains("NaN at step 5;") && e.getMessage().contains(last.toString()),
                e.getMessage());
        assertEquals(3, Checkpoint.read(last).training().progress().step());
        Checkpoint.read(RunDirectory.bestCheckpoint(path));
    }

    @Test
    void aValidationLossThatIsNoNumberStopsTheRun() {
        Path path = directory.resolve("run");
        FramecastException e = assertThrows(FramecastException.class,
                () -> train(path, as(VALIDATION, k -> changed(VALIDATION.get(k), x -> Double.NaN)), settings(5, 0,
                0.01)));
        assertTrue(e.getMessage().contains("validation loss became NaN after step 3;"), e.getMessage());
        assertEquals(0, Checkpoint.read(RunDirectory.lastCheckpoint(path)).training().progress().step());
        assertFalse(Files.exists(RunDirectory.bestCheckpoint(path)));
    }

    @Test
    void aRunWhoseDataHasShrunkIsNotResumed() {
        Path path = directory.resolve("run");
        train(path, NONE, settings(5, 2, 0.01));
        FramecastException e = assertThrows(FramecastException.class, () -> train(path, TRAINING.slice(0, 2), NONE,
                settings(5, 0, 0.01), new Listener(), (l, videos, stop) -> videos));
        assertTrue(e.getMessage().contains("batch 2"), e.getMessage());
    }
}
