package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.data.Fingerprint;
import io.framecast.data.MnistDigits;
import io.framecast.data.Split;
import io.framecast.files.AtomicFiles;
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

@Command(name = "demo", description = "Everything, small: makes Moving MNIST, shows it, trains the model motion, "
        + "predicts, scores and draws.")
final class DemoCommand implements Callable<Integer> {

    private static final double VALIDATION_SPLIT = 0.05;
    private static final long SEED = 1;
    /** Trained with its own recipe. */
    private static final String MODEL = "motion";
    /** About 6,500 videos, new ones in every epoch: the most that few minutes of two cores allow. */
    private static final String VIDEOS = "2300";
    private static final String EPOCHS = "3";
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

    @Option(names = "--videos", paramLabel = "N", defaultValue = VIDEOS,
            description = "Videos to make in each epoch; fewer are quicker and worse. Default: ${DEFAULT-VALUE}.")
    int videos;

    @Option(names = "--epochs", paramLabel = "N", defaultValue = EPOCHS,
            description = "Epochs to train. Default: ${DEFAULT-VALUE}.")
    int epochs;

    @Override
    public Integer call() {
        Options.require(videos >= 20, "--videos must be at least 20, not " + videos + ".");
        Options.require(epochs >= 1, "--epochs must be at least 1, not " + epochs + ".");
        AtomicFiles.requireDirectory(out);
        long begin = System.nanoTime();
        Path sheet = out.resolve("videos.png");
        try (RunDirectory run = RunDirectory.create(out.resolve("run"), true, Terminal::warn)) {
            run.lock(); // Before a picture is written: another demo may be using the directory.
            return demo(run, sheet, begin);
        }
    }

    private int demo(RunDirectory run, Path sheet, long begin) {
        try (Backend backend = device.open()) {
            System.out.println("1/4 making videos of two moving digits");
            Split split = DataOptions.generatedSplit(MnistDigits.bundled(), videos, VALIDATION_SPLIT, SEED, true);
            ContactSheet.write(sheet, split.training(), 0, 1, 2, 3, 4);
            ModelConfig model = Models.load(MODEL, DataOptions.frameShape(split.training()));
            System.out.println("2/4 training the model " + MODEL);
            TrainingSettings settings = TrainingSettings.builder(MODEL).epochs(epochs).seed(SEED).build();
            run.describe(description(backend, Fingerprint.of(split)));
            Checkpoint start = Checkpoint.initial(model, SEED);
            long trainingBegin = System.nanoTime();
            if (TrainingSession.train(backend, start, split, settings, run) == Trainer.Outcome.INTERRUPTED) {
                Terminal.say("stopped; go on with: " + TrainingSession.resumption(run));
                return Main.INTERRUPTED;
            }
            String trained = time((System.nanoTime() - trainingBegin) / 1e9);
            System.out.println("3/4 predicting ten frames from ten, for videos it has not seen");
            List<Pictures.Files> pictures = RunReport.write(backend, run.path(), split, settings,
                    new RunReport.About("Framecast demo", Options.commandLine(spec), DataOptions.GENERATED, null),
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
                + "what " + TRAINED_MODEL + " predicts, the trained model that comes with Framecast. Neither has "
                + "learned from these videos or their digits.");
    }

    /** In seconds, or in minutes where these are many. */
    private static String time(double seconds) {
        return seconds < 100 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
    }

    /** The description of the run in the form of {@code framecast train}, which can resume it. */
    private Map<String, Object> description(Backend backend, Fingerprint fingerprint) {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("data", DataOptions.GENERATED);
        options.put("videos", videos);
        options.put("model", MODEL);
        options.putAll(Models.recipe(MODEL));
        options.put("fresh", true);
        options.put("seed", SEED);
        options.put("validation-split", VALIDATION_SPLIT);
        options.put("no-shuffle", false);
        options.put("precision", device.precision.name().toLowerCase(Locale.ROOT));
        options.put("epochs", epochs);
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("framecast", Main.VERSION);
        description.put("options", options);
        description.put("data", fingerprint);
        Computation.of(device, backend).describe(description, options);
        return description;
    }
}
