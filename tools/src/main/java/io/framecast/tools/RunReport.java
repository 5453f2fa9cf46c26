package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.data.Videos;
import io.framecast.nn.Connection;
import io.framecast.nn.FrameShape;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import io.framecast.predict.Forecaster;
import io.framecast.predict.NotFiniteException;
import io.framecast.text.Count;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.render.LossPlot;
import io.framecast.tools.render.Report;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.RunTable;
import io.framecast.train.TrainingSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Writes {@code loss.png}, the GIFs and {@code report.html} of a run, from its files and its best checkpoint, or its
 * last one if there is no best.
 */
final class RunReport {

    private static final int CONTEXT = 10;
    private static final int PREDICTED = 10;
    private static final int GIFS = 5;
    /**
     * The largest number of videos to score. Scoring takes about as long as an epoch on as many videos, and more videos
     * change the scores little.
     */
    private static final int EVALUATED = 100;

    /**
     * Information that is not in the run's files.
     *
     * @param command the command line that started or resumed the run
     * @param data the source of its videos
     * @param failure why the training ended early, or null
     */
    record About(String title, String command, String data, String failure) {
    }

    /**
     * Another model, whose forecasts of the same videos are shown beside those of the run.
     *
     * @param ownTitle the title of the run's forecasts
     * @param title of the other model's forecasts
     * @param note a sentence on what the pictures compare
     */
    record Compared(String ownTitle, String title, Checkpoint checkpoint, String note) {
    }

    private RunReport() {
    }

    /**
     * Writes everything. Forecasts are of validation videos, or of training videos if there are none.
     *
     * @param compared null if the report is about the run's model only
     * @return the pictures of forecasts; empty if no forecast is finite
     */
    static List<Pictures.Files> write(Backend backend, Path run, Split split, TrainingSettings settings, About about,
            Compared compared) {
        List<Report.Epoch> epochs = epochs(run);
        double[] stepLosses = RunTable.STEPS.read(run, Terminal::warn).stream().mapToDouble(row -> row.value(1))
                .toArray();
        LossPlot.write(run.resolve("loss.png"), epochs, stepLosses);
        boolean validated = split.validation().count() > 0;
        Report report = new Report(about.title)
                .fact("Command", about.command)
                .fact("Data", about.data)
                .fact("Training videos", split.training().count() + " of "
                        + Count.of(split.training().frames(), "frame") + " of "
                        + DataOptions.frameShape(split.training()))
                .fact("Validation videos", Integer.toString(split.validation().count()))
                .fact("Seed", Long.toString(settings.seed()))
                .fact("Batch size", Integer.toString(settings.batchSize()))
                .fact("Optimiser", String.format(Locale.ROOT, "Adam, learning rate %.3g", settings.learningRate()))
                .fact("Schedule", (settings.warmup() == 0 ? ""
                        : String.format(Locale.ROOT, "after a warm-up of %.1f%% of the run, ", 100 * settings.warmup()))
                        + switch (settings.schedule()) {
                            case CONSTANT -> "constant learning rate";
                            case COSINE -> "learning rate goes down to 0 over the run, by half a cosine";
                        })
                .fact("Clipping of gradients", settings.clipNorm() == 0 ? "off" : "to a norm of " + settings.clipNorm())
                .fact("Average of weights", settings.ema() == 0 ? "off" : "exponential, decay " + settings.ema())
                .fact("Scheduled sampling", sampling(settings, split.training().frames()))
                .fact("Loss", settings.loss().name().toLowerCase(Locale.ROOT).replace('_', ' ')
                        + (settings.lossFrames() == TrainingSettings.LossFrames.ALL ? "" : " of the frames after the "
                        + settings.contextOf(split.training().frames()) + " seen"))
                .fact("Epochs", Integer.toString(epochs.size()))
                .fact("Steps", Integer.toString(stepLosses.length))
                .fact("Device", backend.description())
                .fact("Precision", backend.precision().name().toLowerCase(Locale.ROOT))
                .training(epochs, stepLosses);
        backend.threads().ifPresent(threads -> report.fact("Threads", Integer.toString(threads)));
        if (about.failure != null) {
            report.notice("Training failed. " + about.failure);
        }
        List<Pictures.Files> pictures = List.of();
        Path best = RunDirectory.bestCheckpoint(run);
        Path last = RunDirectory.lastCheckpoint(run);
        boolean hasBest = Files.exists(best);
        // A run that failed within its first epoch has no useful forecasts.
        if (hasBest || about.failure == null && Files.exists(last)) {
            if (!hasBest) {
                Terminal.warn(best + " is missing: the report shows forecasts of the last checkpoint.");
            }
            Checkpoint checkpoint = Checkpoint.read(hasBest ? best : last);
            Videos videos = validated ? split.validation() : split.training();
            report.model(layers(checkpoint.model(), videos.frames() - 1))
                    .fact("Forecasts", (hasBest ? "best checkpoint, " : "last checkpoint (best is missing), ")
                            + (validated ? "validation" : "training") + " videos");
            pictures = forecasts(backend, checkpoint, videos.slice(0, Math.min(EVALUATED, videos.count())),
                    compared, settings.seed(), run.resolve("gifs"), report);
        } else {
            report.notice("There are no forecasts to show: " + (about.failure != null
                    ? "no checkpoint was the best yet." : "the best and the last checkpoint are missing."));
        }
        report.write(run.resolve("report.html"));
        return pictures;
    }

    /** How many frames of each video a model is given when runs are scored. */
    static int context(Videos videos) {
        return Math.min(CONTEXT, videos.frames() / 2);
    }

    /** How many frames after the context are predicted and scored then. */
    static int predicted(Videos videos) {
        return Math.min(PREDICTED, videos.frames() - context(videos));
    }

    private static String sampling(TrainingSettings settings, int frames) {
        TrainingSettings.Sampling sampling = settings.sampling();
        if (!sampling.isOn()) {
            return "off";
        }
        String where = settings.context() == 0 ? "in the second half of each video"
                : "after the first " + Count.of(settings.contextOf(frames), "frame") + " of each video";
        return sampling.from() == sampling.to()
                ? String.format(Locale.ROOT, "after %.0f%% of the run, %s", 100 * sampling.from(), where)
                : String.format(Locale.ROOT, "its share rises from 0 to 1 between %.0f%% and %.0f%% of the run, %s",
                        100 * sampling.from(), 100 * sampling.to(), where);
    }

    private static List<Pictures.Files> forecasts(Backend backend, Checkpoint checkpoint, Videos videos,
            Compared compared, long seed, Path directory, Report report) {
        int context = context(videos);
        int frames = predicted(videos);
        Pictures drawing = new Pictures(videos, context, frames);
        try (Pictures.Model own = drawing.open(backend, checkpoint,
                        compared == null ? "prediction" : compared.ownTitle);
                Pictures.Model other = compared == null ? null
                        : drawing.open(backend, compared.checkpoint, compared.title)) {
            Forecaster.Evaluation evaluation = own.forecaster().evaluate(videos, context, frames);
            System.out.print(ScoreTable.of(evaluation));
            report.scores(evaluation.model(), evaluation.baseline());
            if (other != null) {
                Forecaster.Evaluation ofOther = other.forecaster().evaluate(videos, context, frames);
                System.out.print(ScoreTable.of(List.of(own.title(), other.title()), evaluation, ofOther));
                report.compared(own.title(), other.title(), ofOther.model());
                report.animationNote(compared.note);
            }
            drawing.omissions().forEach(report::animationNote);
            List<Pictures.Files> pictures = drawing.write(other == null ? List.of(own) : List.of(own, other),
                    Math.min(GIFS, videos.count()), seed, directory);
            String panels = other == null ? "truth, prediction and their difference"
                    : "truth and the predictions of two models, " + own.title() + " and " + other.title() + ",";
            pictures.forEach(p -> report.animation("Video " + p.number(), "Video " + p.number() + ": " + context
                    + " true frames that the model sees, then " + frames + " that it predicts; " + panels
                    + " side by side", p.gif(), p.strip()));
            return pictures;
        } catch (NotFiniteException e) {
            String reason = e.getMessage()
                    + " The parameters make forecasts overflow: train again, with a smaller learning rate.";
            Terminal.warn("The report shows no forecasts. " + reason);
            report.notice("There are no forecasts to show. " + reason);
            return List.of();
        }
    }

    private static List<Report.Layer> layers(ModelConfig model, int frames) {
        List<FrameShape> shapes = model.shapes();
        List<List<FrameShape>> inputs = model.inputShapes();
        List<Report.Layer> layers = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            LayerConfig layer = model.layers().get(k);
            FrameShape output = shapes.get(k + 1);
            layers.add(new Report.Layer(title(layer, model.connections().get(k)),
                    "(" + frames + ", " + output.height() + ", " + output.width() + ", " + output.channels() + ")",
                    layer.parameters(inputs.get(k)).stream().mapToLong(spec -> spec.size()).sum()));
        }
        return layers;
    }

    private static String title(LayerConfig layer, Connection connection) {
        return layer.type() + (connection.name().isEmpty() ? "" : " " + connection.name())
                + (connection.inputs().isEmpty() ? "" : " (" + String.join(", ", connection.inputs()) + ")");
    }

    private static List<Report.Epoch> epochs(Path run) {
        return RunTable.METRICS.read(run, Terminal::warn).stream().map(row -> new Report.Epoch((int) row.number(),
                row.value(1), row.isEmpty(2) ? OptionalDouble.empty() : OptionalDouble.of(row.value(2)),
                row.value(3))).toList();
    }
}
