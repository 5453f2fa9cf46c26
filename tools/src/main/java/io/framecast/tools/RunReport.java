package io.framecast.tools;

import io.framecast.Count;
import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import io.framecast.tools.render.LossPlot;
import io.framecast.tools.render.Report;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.RunTable;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** {@code loss.png}, the GIFs and {@code report.html} of a run, from its files and its best checkpoint. */
final class RunReport {

    private static final int CONTEXT = 10;
    private static final int GIFS = 5;
    /** Forecasts cost about as much as an epoch on as many videos: more would not tell more. */
    private static final int EVALUATED = 100;

    /** What was found. The evaluation is null where the videos are too short for a forecast. */
    record Contents(Forecaster.Evaluation evaluation, List<Pictures.Files> pictures) {
    }

    private RunReport() {
    }

    /** Writes everything; forecasts are for the validation videos, or the training videos where there are none. */
    static Contents write(Backend backend, Path run, Split split, TrainingSettings settings, String title) {
        Checkpoint best = Checkpoint.read(RunDirectory.bestCheckpoint(run));
        boolean validated = split.validation().count() > 0;
        Videos videos = validated ? split.validation() : split.training();
        videos = videos.slice(0, Math.min(EVALUATED, videos.count()));
        List<Report.Epoch> epochs = epochs(run);
        double[] stepLosses = RunTable.STEPS.read(run, Terminal::warn).stream().mapToDouble(row -> row.value(1))
                .toArray();
        LossPlot.write(run.resolve("loss.png"), epochs, stepLosses);

        Report report = new Report(title)
                .fact("Training videos", split.training().count() + " of "
                        + Count.of(split.training().frames(), "frame") + " of "
                        + best.model().input())
                .fact("Validation videos", Integer.toString(split.validation().count()))
                .fact("Batch size", Integer.toString(settings.batchSize()))
                .fact("Optimiser", String.format(Locale.ROOT, "Adam, learning rate %.3g", settings.learningRate()))
                .fact("Loss", settings.loss().name().toLowerCase(Locale.ROOT).replace('_', ' '))
                .fact("Steps", Integer.toString(stepLosses.length))
                .fact("Device", backend.description() + ", " + backend.precision().name().toLowerCase(Locale.ROOT))
                .fact("Forecasts", "best checkpoint, " + (validated ? "validation" : "training") + " videos")
                .model(layers(best.model(), videos.frames() - 1))
                .training(epochs, stepLosses);
        Contents contents = forecasts(backend, best, videos, validated ? split.training().count() : 0, settings.seed(),
                run.resolve("gifs"));
        if (contents.evaluation != null) {
            report.scores(contents.evaluation.model(), contents.evaluation.baseline());
            contents.pictures.forEach(p -> report.image("Video " + p.index(), p.gif()));
        }
        report.write(run.resolve("report.html"));
        return contents;
    }

    private static Contents forecasts(Backend backend, Checkpoint best, Videos videos, int firstIndex, long seed,
            Path directory) {
        int context = Math.min(CONTEXT, videos.frames() / 2);
        int frames = Math.min(10, videos.frames() - context);
        if (context < 1 || frames < 1) {
            return new Contents(null, List.of());
        }
        try (Forecaster forecaster = new Forecaster(backend, best, context, frames)) {
            Forecaster.Evaluation evaluation = forecaster.evaluate(videos);
            System.out.print(ScoreTable.of(evaluation));
            return new Contents(evaluation, Pictures.write(forecaster, videos, firstIndex,
                    Math.min(GIFS, videos.count()), seed, context, frames, directory));
        }
    }

    private static List<Report.Layer> layers(ModelConfig model, int frames) {
        List<FrameShape> shapes = model.shapes();
        List<Report.Layer> layers = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            LayerConfig layer = model.layers().get(k);
            FrameShape output = shapes.get(k + 1);
            layers.add(new Report.Layer(layer.type(),
                    "(" + frames + ", " + output.height() + ", " + output.width() + ", " + output.channels() + ")",
                    layer.parameters(shapes.get(k)).stream().mapToLong(spec -> spec.size()).sum()));
        }
        return layers;
    }

    private static List<Report.Epoch> epochs(Path run) {
        return RunTable.METRICS.read(run, Terminal::warn).stream().map(row -> new Report.Epoch((int) row.number(),
                row.value(1), row.isEmpty(2) ? OptionalDouble.empty() : OptionalDouble.of(row.value(2)),
                row.value(3))).toList();
    }
}
