package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.data.Fingerprint;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Split;
import io.framecast.data.VideoLayout;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Options;
import io.framecast.tools.render.ContactSheet;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
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
    private static final int BATCH_SIZE = 1;
    private static final double LEARNING_RATE = 0.003;
    private static final double SAMPLING = 0.5;
    /** The trained model whose forecasts are shown beside the demo's. */
    private static final String TRAINED_MODEL = "moving-mnist";

    @Spec
    CommandSpec spec;

    @Mixin
    DeviceOptions device;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "demo", converter = FileName.OfDirectory.class,
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
        try (RunDirectory run = RunDirectory.create(out.resolve("run"), true, Terminal::warn)) {
            run.lock(); // Before the videos are written: another demo may be using the file.
            return demo(run, data, sheet, begin);
        }
    }

    private int demo(RunDirectory run, Path data, Path sheet, long begin) {
        try (Backend backend = device.open(); NpyVideos made = make(data)) {
            ContactSheet.write(sheet, made, 0, 1, 2, 3, 4);
            Split split = Split.of(made, VALIDATION_SPLIT);
            ModelConfig model = Models.load("small", DataOptions.frameShape(made));
            System.out.println("2/4 training the small model");
            // In the same time, many steps of one video give lower errors than fewer steps of several, and scheduled
            // sampling makes forecasts stable.
            TrainingSettings settings = TrainingSettings.builder().epochs(epochs).batchSize(BATCH_SIZE)
                    .learningRate(LEARNING_RATE).schedule(TrainingSettings.Schedule.COSINE).scheduledSampling(SAMPLING)
                    .seed(SEED).build();
            run.describe(Map.of("framecast", Main.VERSION, "options", options(data, backend), "data",
                    Fingerprint.of(split)));
            Checkpoint start = Checkpoint.initial(model, SEED);
            long trainingBegin = System.nanoTime();
            if (TrainingSession.train(backend, start, split, settings, run) == Trainer.Outcome.INTERRUPTED) {
                Terminal.say("stopped; go on with: " + TrainingSession.resumption(run));
                return Main.INTERRUPTED;
            }
            String trained = time((System.nanoTime() - trainingBegin) / 1e9);
            System.out.println("3/4 predicting ten frames from ten, for videos it has not seen");
            List<Pictures.Files> pictures = RunReport.write(backend, run.path(), split, settings,
                    new RunReport.About("Framecast demo", Options.commandLine(spec), data.toString(), null),
                    compared(trained));
            System.out.printf(Locale.ROOT, "4/4 done in %.0f s:%n", (System.nanoTime() - begin) / 1e9);
            Terminal.say("  some of the videos      " + sheet);
            pictures.forEach(p -> Terminal.say("  truth and predictions   " + p.gif()));
            Terminal.say("  the trained model       " + RunDirectory.bestCheckpoint(run.path()));
            Terminal.say("  the whole story         " + run.path().resolve("report.html"));
        }
        return 0;
    }

    private static RunReport.Compared compared(String trained) {
        return new RunReport.Compared("trained " + trained, TRAINED_MODEL, Checkpoint.pretrained(TRAINED_MODEL),
                "Side by side: the truth; what the model of this demo predicts after " + trained + " of training; and "
                + "what " + TRAINED_MODEL + " predicts, the model that comes with Framecast, which was trained for "
                + "much longer. Neither has learned from these videos or their digits.");
    }

    /** In seconds, or in minutes where these are many. */
    private static String time(double seconds) {
        return seconds < 100 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
    }

    private NpyVideos make(Path data) {
        System.out.println("1/4 making " + videos + " videos of two moving digits");
        MovingMnist.write(data, DataOptions.generated(MnistDigits.bundled(), videos, VALIDATION_SPLIT, SEED));
        return NpyVideos.open(data, VideoLayout.TNHW, null);
    }

    /** The options in the form of {@code framecast train}, which can resume the run. */
    private Map<String, Object> options(Path data, Backend backend) {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("data", data.toAbsolutePath().toString());
        options.put("layout", "tnhw");
        options.put("model", "small");
        options.put("batch-size", BATCH_SIZE);
        options.put("lr", LEARNING_RATE);
        options.put("lr-schedule", "cosine");
        options.put("scheduled-sampling", SAMPLING);
        options.put("seed", SEED);
        options.put("validation-split", VALIDATION_SPLIT);
        options.put("no-shuffle", false);
        options.put("loss", "binary_crossentropy");
        options.put("precision", device.precision.name().toLowerCase(Locale.ROOT));
        options.put("threads", backend.threads().orElse(device.threads));
        options.put("epochs", epochs);
        return options;
    }
}
