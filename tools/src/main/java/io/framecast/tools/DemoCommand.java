package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Split;
import io.framecast.data.VideoLayout;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Models;
import io.framecast.nn.Parameters;
import io.framecast.tools.render.ContactSheet;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "demo", description = "Everything, small: makes Moving MNIST, shows it, trains the small model, "
        + "predicts, scores and draws.")
final class DemoCommand implements Callable<Integer> {

    private static final double VALIDATION_SPLIT = 0.05;
    private static final long SEED = 1;

    @Spec
    CommandSpec spec;

    @Mixin
    DeviceOptions device;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "demo",
            description = "The directory for everything it makes; an earlier demo in it is replaced. "
                    + "Default: ${DEFAULT-VALUE}.")
    Path out;

    @Option(names = "--videos", paramLabel = "N", defaultValue = "2000",
            description = "Videos to make; fewer are quicker and worse. Default: ${DEFAULT-VALUE}.")
    int videos;

    @Option(names = "--epochs", paramLabel = "N", defaultValue = "8",
            description = "Epochs to train. Default: ${DEFAULT-VALUE}.")
    int epochs;

    @Override
    public Integer call() {
        Options.require(videos >= 20, "--videos must be at least 20, not " + videos + ".");
        Options.require(epochs >= 1, "--epochs must be at least 1, not " + epochs + ".");
        long begin = System.nanoTime();
        Path data = out.resolve("videos.npy");
        Path sheet = out.resolve("videos.png");
        Path runPath = out.resolve("run");
        System.out.println("1/4 making " + videos + " videos of two moving digits");
        MovingMnist.write(data, DataOptions.generated(videos, VALIDATION_SPLIT, SEED));
        try (Backend backend = device.open(); NpyVideos made = NpyVideos.open(data, VideoLayout.TNHW)) {
            ContactSheet.write(sheet, made, 0, 1, 2, 3, 4);
            Split split = Split.of(made, VALIDATION_SPLIT);
            ModelConfig model = Models.load("small", DataOptions.frameShape(made));
            System.out.println("2/4 training the small model");
            // Many steps of one video beat fewer of more, and forecasts hold only if practised.
            TrainingSettings settings = new TrainingSettings(epochs, 0, 1, 0.003, TrainingSettings.Schedule.COSINE, 0.5,
                    SEED, true, Loss.BINARY_CROSSENTROPY);
            Map<String, Object> config = Map.of("framecast", Main.VERSION, "command", "demo", "videos", videos,
                    "epochs", epochs, "model", ModelJson.toMap(model));
            try (RunDirectory run = RunDirectory.create(runPath, config, true)) {
                Checkpoint start = new Checkpoint(model, Parameters.initial(model, SEED), null);
                if (TrainingSession.train(backend, start, split, settings, run) == Trainer.Outcome.INTERRUPTED) {
                    return Main.INTERRUPTED;
                }
            }
            System.out.println("3/4 predicting ten frames from ten, for videos it has not seen");
            List<Pictures.Files> pictures = RunReport.write(backend, runPath, split, settings,
                    new RunReport.About("Framecast demo", Options.commandLine(spec), data.toString(), null));
            System.out.printf(Locale.ROOT, "4/4 done in %.0f s:%n", (System.nanoTime() - begin) / 1e9);
            System.out.println("  some of the videos      " + sheet);
            pictures.forEach(p -> System.out.println("  truth and prediction    " + p.gif()));
            System.out.println("  the trained model       " + RunDirectory.bestCheckpoint(runPath));
            System.out.println("  the whole story         " + runPath.resolve("report.html"));
        }
        return 0;
    }
}
