package io.framecast.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Fingerprint;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Split;
import io.framecast.files.AtomicFiles;
import io.framecast.files.JsonFiles;
import io.framecast.nn.Flop;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.predict.Forecaster;
import io.framecast.text.Count;
import io.framecast.tools.option.ClipLength;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.NpyOptions;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.VideoOptions;
import io.framecast.tools.terminal.Terminal;
import io.framecast.tools.tune.BudgetedTraining;
import io.framecast.tools.tune.TuneTable;
import io.framecast.train.Checkpoint;
import io.framecast.video.ClipIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "tune", description = "Trains variants of models and recipes for the same processor time each, and "
        + "compares their forecasts.")
final class TuneCommand implements Runnable {

    /** Generated videos of an epoch. Each epoch has new ones. */
    private static final int EPOCH = 10_000;
    private static final JsonMapper MAPPER = new JsonMapper();

    @Option(names = "--variants", paramLabel = "FILE", required = true,
            description = "A JSON list of variants, each with a name, a model (as for train, or an object of model "
                    + "JSON) and options of train, such as "
                    + "{\"name\": \"a\", \"model\": \"small\", \"lr\": 0.003}.")
    Path variants;

    @Option(names = "--budget", paramLabel = "SECONDS", required = true,
            description = "The time that each variant is trained for: processor time of all threads; on a GPU, time "
                    + "of the clock.")
    double budget;

    @Option(names = "--out", paramLabel = "DIR", required = true, converter = FileName.OfDirectory.class,
            description = "The directory for the tables and the trained models. Variants that are in it with the same "
                    + "settings are not trained again.")
    Path out;

    @Option(names = "--data", paramLabel = "VIDEOS|generated", defaultValue = DataOptions.GENERATED,
            description = "The videos: " + VideoOptions.SOURCES + ". Or generated: new Moving MNIST in every epoch. "
                    + "Default: ${DEFAULT-VALUE}.")
    String data;

    @Option(names = "--digits", paramLabel = "FILE", description = DataOptions.DIGITS)
    Path digits;

    @Mixin
    NpyOptions npy;

    @Mixin
    VideoOptions video;

    @Mixin
    ClipLength clipLength;

    @Option(names = "--videos", paramLabel = "N", defaultValue = "200",
            description = "Score the forecasts of N videos: generated ones of test digits, or the last of the file, "
                    + "which are not trained on. Default: ${DEFAULT-VALUE}.")
    int videos;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Of initial values, shuffling and generated data, the same for all variants. "
                    + "Default: ${DEFAULT-VALUE}.")
    long seed;

    @Mixin
    DeviceOptions device;

    @Override
    public void run() {
        Options.require(budget > 0 && budget <= 1e9, "--budget must be above 0, at most 1e9, not " + budget + ".");
        Options.require(videos >= 1, "--videos must be at least 1, not " + videos + ".");
        List<TuneVariant> all = TuneVariant.read(variants, seed);
        boolean generated = data.equals(DataOptions.GENERATED);
        Options.require(digits == null || generated, "--digits is for generated videos; leave out --digits or --data.");
        List<Path> files = new ArrayList<>(List.of(table("csv"), table("json")));
        all.forEach(variant -> files.addAll(List.of(result(variant), checkpoint(variant))));
        Options.requireApart("--variants", variants, "--out", out, files);
        Options.requireApart("--data", generated ? null : Path.of(data), "--out", out, files);
        Options.requireApart("--digits", digits, "--out", out, files);
        AtomicFiles.requireDirectory(out);
        try (Backend backend = device.open()) {
            if (generated) {
                MnistDigits images = DataOptions.digits(digits);
                run(all, backend, new Split(MovingMnist.training(images, EPOCH, seed).fresh(),
                        MovingMnist.test(images, videos, seed)));
                return;
            }
            VideoOptions.Opened opened = video.open(data, npy, clipLength.wanted(), out.resolve("videos.npy"), false);
            try (NpyVideos file = opened.videos()) {
                Terminal.say("data: " + data + ": " + file.describe());
                if (file.count() <= videos) {
                    throw new FramecastException("The file " + data + " has " + Count.of(file.count(), "video")
                            + ", none of them left to train on after " + videos + " to score; score fewer by "
                            + "--videos N.");
                }
                npy.check(file, file.count(), file.frames());
                run(all, backend, split(file, opened.index()));
            }
        }
    }

    /** The last videos are for scores; of clips of video files, about as many, by file. */
    private Split split(NpyVideos file, ClipIndex index) {
        int training = file.count() - videos;
        if (index == null) {
            return new Split(file.slice(0, training), file.slice(training, file.count()));
        }
        return index.split(file.count(), (double) videos / file.count()).of(file);
    }

    private void run(List<TuneVariant> all, Backend backend, Split split) {
        Map<String, Object> common = common(backend, split);
        List<JsonNode> rows = new ArrayList<>();
        all.forEach(variant -> variant.requireContextBelow(split.training().frames()));
        for (TuneVariant variant : all) {
            Map<String, Object> settings = new LinkedHashMap<>(common);
            settings.put("options", variant.options());
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("name", variant.name());
            String progress = rows.size() + 1 + "/" + all.size() + " " + variant.name() + ": ";
            try {
                ModelConfig model = variant.load(DataOptions.frameShape(split.training()));
                settings.put("model", ModelJson.toMap(model));
                JsonNode before = earlier(variant, settings);
                if (before != null) {
                    Terminal.say(progress + "from " + result(variant));
                    rows.add(before);
                    continue;
                }
                Terminal.say(progress + "training");
                run(variant, model, backend, split, row);
                Terminal.say(String.format(Locale.ROOT, "%sMSE %.2f, SSIM %.3f, %d steps in %.1f s", progress,
                        row.get("mse"), row.get("ssim"), row.get("steps"), row.get("seconds")));
            } catch (RuntimeException | OutOfMemoryError e) {
                row.put("failure", Main.sentence(e));
                Terminal.say(progress + "failed: " + row.get("failure"));
            }
            Map<String, Object> contents = new LinkedHashMap<>();
            contents.put("settings", settings);
            contents.put("result", row);
            JsonFiles.write(result(variant), contents);
            rows.add(MAPPER.valueToTree(row));
            write(common, new TuneTable(rows));
        }
        TuneTable table = new TuneTable(rows);
        write(common, table);
        System.out.println("\n" + table.markdown());
        Terminal.say("tables: " + table("csv") + ", " + table("json"));
        if (rows.stream().allMatch(row -> row.has("failure"))) {
            throw new FramecastException("No variant could be trained; " + table("csv") + " says why.");
        }
    }

    /** Trains and scores a variant, and enters what is known of it into its row. */
    private void run(TuneVariant variant, ModelConfig model, Backend backend, Split split, Map<String, Object> row) {
        int frames = split.training().frames();
        row.put("parameters", model.parameterCount());
        row.put("gflop_per_video", Flop.ofLayers(model, frames - 1).stream().mapToDouble(Flop::total).sum() / 1e9);
        DataOptions.requireFrames(split.training(), data, model.input());
        model.requireFramesToFrames();
        BudgetedTraining.Trained trained = BudgetedTraining.train(backend, Checkpoint.initial(model, seed),
                split.training(), variant::trial, variant::training, budget,
                BudgetedTraining.Clock.of(backend)::nanos);
        row.put("seconds", trained.seconds());
        row.put("steps", trained.steps());
        row.put("videos", trained.videos());
        trained.checkpoint().withoutTraining().write(checkpoint(variant));
        try (Forecaster forecaster = Forecaster.open(backend, trained.checkpoint())) {
            Forecaster.Evaluation scores = forecaster.evaluate(split.validation(),
                    RunReport.context(split.validation()), RunReport.predicted(split.validation()));
            double[] errors = scores.model().mse().perFrame();
            row.put("mse", scores.model().mse().mean());
            row.put("ssim", scores.model().ssim().mean());
            row.put("mse_first", errors[0]);
            row.put("mse_last", errors[errors.length - 1]);
        }
    }

    /** The settings that all variants share. */
    private Map<String, Object> common(Backend backend, Split split) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("budget", budget);
        map.put("clock", BudgetedTraining.Clock.of(backend).name().toLowerCase(Locale.ROOT));
        map.put("device", backend.description());
        map.put("precision", device.precision.name().toLowerCase(Locale.ROOT));
        map.put("data", Fingerprint.of(split));
        map.put("scored_videos", videos);
        map.put("context", RunReport.context(split.validation()));
        map.put("seed", seed);
        return map;
    }

    /** The row of an earlier run with the same settings; null if there is none. */
    private JsonNode earlier(TuneVariant variant, Map<String, Object> settings) {
        try {
            JsonNode contents = MAPPER.readTree(Files.readString(result(variant)));
            JsonNode now = MAPPER.readTree(MAPPER.writeValueAsString(settings));
            return contents.path("settings").equals(now) && contents.path("result").isObject()
                    ? contents.path("result") : null;
        } catch (IOException e) {
            return null; // There is none, or it is damaged: it is made anew.
        }
    }

    private void write(Map<String, Object> common, TuneTable table) {
        Map<String, Object> contents = new LinkedHashMap<>(common);
        contents.put("variants", table.rows());
        JsonFiles.write(table("json"), contents);
        AtomicFiles.write(table("csv"), table.csv());
    }

    private Path table(String kind) {
        return out.resolve(TuneVariant.TABLE + "." + kind);
    }

    private Path result(TuneVariant variant) {
        return out.resolve(variant.name() + ".json");
    }

    private Path checkpoint(TuneVariant variant) {
        return out.resolve(variant.name() + ".safetensors");
    }
}
