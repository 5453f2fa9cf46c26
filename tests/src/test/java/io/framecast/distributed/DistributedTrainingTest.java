package io.framecast.distributed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Backend;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.backend.ProcessGroup;
import io.framecast.data.Videos;
import io.framecast.device.Backends;
import io.framecast.device.Device;
import io.framecast.device.DeviceSettings;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import io.framecast.train.EpochMetrics;
import io.framecast.train.MovingSquares;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Several processes train as one does, with the same batches. */
class DistributedTrainingTest {

    /** Two matrices a layer, batch normalisation, a skip that joins, and a layer normalisation. */
    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 9, "width": 8, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "tanh",
               "name": "first"},
              {"type": "BatchNormalization", "name": "normalised"},
              {"type": "ConvLSTM2D", "filters": 4, "kernel_size": 1, "padding": "same", "activation": "relu"},
              {"type": "BatchNormalization", "name": "second"},
              {"type": "Add", "inputs": ["normalised", "second"]},
              {"type": "LayerNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}""", "test");

    /** Batches of 5, 5 and 1: in the last only one process has a video. */
    private static final Videos TRAINING = new MovingSquares(11, 6, 9, 8, 1);
    private static final Videos VALIDATION = new MovingSquares(18, 6, 9, 8, 1).slice(11, 18);

    /** The recipes: plain; and with all that depends on the videos of a batch or on all gradients together. */
    private static TrainingSettings settings(String recipe) {
        TrainingSettings.Builder builder = TrainingSettings.builder().epochs(7).steps(20).batchSize(5)
                .learningRate(1e-3).seed(5);
        return (!recipe.equals("all") ? builder : builder.clipNorm(0.01).ema(0.9).context(3)
                .scheduledSampling(new TrainingSettings.Sampling(0.2, 0.6))
                .optimizer(TrainingSettings.OptimizerKind.MUON)).build();
    }

    /** One video again and again, of which any two have the statistics of all. */
    private static final Videos SAME = TRAINING.select(new int[12]);

    /** Runs in each process; process 0 prints the losses. */
    static final class Training {
        public static void main(String[] arguments) {
            Device device = Device.valueOf(arguments[0]);
            try (ProcessGroup group = MpiProcessGroup.join(System.getenv(), failure -> { })) {
                for (String line : losses(device, group, arguments[1])) {
                    System.out.println(line);
                }
            }
        }

        /** @param recipe of the settings; "local" and "same": batch normalisation is local, "same": of one video */
        static List<String> losses(Device device, ProcessGroup group, String recipe) {
            List<String> lines = new ArrayList<>();
            DeviceSettings settings = DeviceSettings.DEFAULT.with(device).with(Precision.FP32).withThreads(1);
            try (Backend backend = Backends.choose(settings,
                    new DataParallel(group, recipe.equals("local") || recipe.equals("same")), FetchListener.NONE)
                    .backend()) {
                Trainer.fit(backend, Checkpoint.initial(MODEL, 3), recipe.equals("same") ? SAME : TRAINING, VALIDATION, settings(recipe),
                        new TrainingListener() {
                            @Override
                            public void stepDone(StepMetrics step) {
                                lines.add("loss " + step.loss() + " " + step.videos());
                            }

                            @Override
                            public void epochDone(EpochMetrics epoch) {
                                lines.add("epoch " + epoch.validationLoss() + " " + epoch.epoch());
                            }
                        });
            }
            return lines;
        }
    }

    static Stream<Arguments> runs() {
        return MpiLauncher.all().flatMap(launcher -> Stream.of(2, 4).flatMap(processes ->
                Stream.of("plain", "all").map(recipe ->
                        Arguments.of(launcher, processes, recipe))));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void lossesAreThoseOfOneProcess(MpiLauncher launcher, int processes, String recipe) throws Exception {
        List<String> alone = Training.losses(Device.CPU, ProcessGroup.SINGLE, recipe);
        List<String> together = run(launcher, processes, Device.CPU, recipe);
        requireClose(alone, together, 2e-5);
        assertEquals(together, run(launcher, processes, Device.CPU, recipe), "the same bits, run after run");
    }

    /** With local statistics, losses are others; but not where all processes have the same videos. */
    @Test
    void localStatisticsAreThoseOfAProcess() throws Exception {
        List<String> together = run(MpiLauncher.any(), 2, Device.CPU, "local");
        assertEquals(together, run(MpiLauncher.any(), 2, Device.CPU, "local"));
        List<String> alone = Training.losses(Device.CPU, ProcessGroup.SINGLE, "local");
        assertTrue(difference(alone.get(0), together.get(0)) > 1e-3, alone + " " + together);
        requireClose(Training.losses(Device.CPU, ProcessGroup.SINGLE, "same"),
                run(MpiLauncher.any(), 2, Device.CPU, "same"), 2e-5);
    }

    private static double difference(String one, String other) {
        return Math.abs(Double.parseDouble(one.split(" ")[1]) - Double.parseDouble(other.split(" ")[1]));
    }

    /** Each with a software GPU: sums and statistics by NCCL's calls, within the graph of a step. */
    @Test
    @DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "for software devices")
    void lossesOfGpusAreThoseOfOneProcess() throws Exception {
        requireClose(Training.losses(Device.CPU, ProcessGroup.SINGLE, "plain"),
                run(MpiLauncher.any(), 2, Device.SOFTGPU, "plain"), 2e-5);
    }

    private static List<String> run(MpiLauncher launcher, int processes, Device device, String recipe)
            throws Exception {
        return launcher.jvms(processes).run(Training.class, device, recipe).lines().toList();
    }

    private static void requireClose(List<String> expected, List<String> lines, double tolerance) {
        assertEquals(expected.size(), lines.size(), lines.toString());
        for (int k = 0; k < lines.size(); k++) {
            String[] one = expected.get(k).split(" ");
            String[] other = lines.get(k).split(" ");
            assertEquals(one[0] + one[2], other[0] + other[2]);
            double loss = Double.parseDouble(one[1]);
            assertEquals(loss, Double.parseDouble(other[1]), tolerance * loss, "line " + k);
        }
    }
}
