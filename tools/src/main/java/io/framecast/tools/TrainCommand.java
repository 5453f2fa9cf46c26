package io.framecast.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.data.Split;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Models;
import io.framecast.nn.Parameters;
import io.framecast.train.Checkpoint;
import io.framecast.train.DivergedException;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "train", description = "Trains a model on next frames, and reports on it.")
final class TrainCommand implements Callable<Integer> {

    /** Options that a run keeps when it resumes. */
    private static final List<String> KEPT = List.of("--data", "--layout", "--videos", "--model", "--init",
            "--batch-size", "--lr", "--lr-schedule", "--scheduled-sampling", "--seed", "--validation-split",
            "--no-shuffle", "--loss", "--precision", "--threads");

    /** Options that decide how far a run goes: a run that resumes keeps them, too, unless one is given anew. */
    private static final List<String> LIMITS = List.of("--epochs", "--steps");

    enum LossName {
        BINARY_CROSSENTROPY, MEAN_SQUARED_ERROR
    }

    @Spec
    CommandSpec spec;

    @Mixin
    DataOptions data;

    @Mixin
    DeviceOptions device;

    @Option(names = "--model", paramLabel = "NAME|FILE", defaultValue = "small",
            description = "keras, small, or a file of model JSON. Default: ${DEFAULT-VALUE}.")
    String model;

    @Option(names = "--out", paramLabel = "RUN", description = "The directory for the run's files. Default: run.")
    Path out;

    @Option(names = "--init", paramLabel = "CKPT", description = "Begin with the parameters of this checkpoint.")
    Path init;

    @Option(names = "--resume", paramLabel = "RUN", description = "Go on with an interrupted run, bit for bit.")
    Path resume;

    @Option(names = "--overwrite", description = "Replace an earlier run in --out.")
    boolean overwrite;

    @Option(names = "--epochs", paramLabel = "N",
            description = "Epochs at most. Default: 20, or as many as --steps take.")
    Integer epochs;

    @Option(names = "--steps", paramLabel = "N", description = "Optimiser steps at most, over all epochs.")
    Long steps;

    @Option(names = "--batch-size", paramLabel = "N", defaultValue = "5",
            description = "Videos a step. Default: ${DEFAULT-VALUE}.")
    int batchSize;

    @Option(names = "--lr", paramLabel = "X", defaultValue = "0.001",
            description = "Adam's learning rate. Default: ${DEFAULT-VALUE}.")
    double learningRate;

    @Option(names = "--lr-schedule", paramLabel = "SCHEDULE", defaultValue = "constant",
            description = "constant, or cosine: down to 0 over the run. Default: ${DEFAULT-VALUE}.")
    TrainingSettings.Schedule schedule;

    @Option(names = "--scheduled-sampling", paramLabel = "X", defaultValue = "1",
            description = "After this share of the run, feed on the model's own predictions in the second half of each "
                    + "video; 1 is never. Better forecasts, for half as much time again. Default: ${DEFAULT-VALUE}.")
    double sampling;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Of initial values, shuffling and generated data. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--validation-split", paramLabel = "X", defaultValue = "0.1",
            description = "The share of the videos, the last ones, to validate with. Default: ${DEFAULT-VALUE}.")
    double validationSplit;

    @Option(names = "--no-shuffle", description = "Keep the order of the videos, epoch after epoch.")
    boolean noShuffle;

    @Option(names = "--loss", paramLabel = "LOSS", defaultValue = "binary_crossentropy",
            description = "binary_crossentropy or mean_squared_error. Default: ${DEFAULT-VALUE}.")
    LossName loss;

    @Override
    public Integer call() {
        if (resume != null) {
            readConfig();
        }
        check();
        try (Backend backend = device.open()) {
            Split split = data.split(validationSplit, seed);
            Checkpoint start = start(split);
            Path path = resume != null ? resume : out != null ? out : Path.of("run");
            Map<String, Object> config = config(start.model());
            try (RunDirectory run = resume != null
                    ? RunDirectory.resume(path, config, start.training().progress())
                    : RunDirectory.create(path, config, overwrite)) {
                return train(backend, split, start, run);
            }
        }
    }

    private int train(Backend backend, Split split, Checkpoint start, RunDirectory run) {
        int epochLimit = epochs != null ? epochs : steps != null ? Integer.MAX_VALUE : 20;
        TrainingSettings settings = new TrainingSettings(epochLimit, steps == null ? 0 : steps, batchSize, learningRate,
                schedule, sampling, seed, !noShuffle, Loss.valueOf(loss.name()));
        Trainer.Outcome outcome;
        try {
            outcome = TrainingSession.train(backend, start, split, settings, run);
        } catch (DivergedException e) {
            RunReport.write(backend, run.path(), split, settings, about(e.getMessage()));
            throw e;
        }
        if (outcome == Trainer.Outcome.INTERRUPTED) {
            System.out.println("stopped; go on with: framecast train --resume " + run.path());
            return Main.INTERRUPTED;
        }
        if (outcome == Trainer.Outcome.STOPPED_EARLY) {
            System.out.println("stopped early: the validation loss has not gone down for 10 epochs");
        }
        RunReport.write(backend, run.path(), split, settings, about(null));
        System.out.println("report: " + run.path().resolve("report.html"));
        return 0;
    }

    private RunReport.About about(String failure) {
        return new RunReport.About("Framecast: training " + model, Options.commandLine(spec), data.data, failure);
    }

    private void check() {
        Options.require(resume == null || out == null || out.equals(resume),
                "--resume goes on in the run's own directory; leave --out out.");
        Options.require(epochs == null || epochs >= 1, "--epochs must be at least 1, not " + epochs + ".");
        Options.require(steps == null || steps >= 1, "--steps must be at least 1, not " + steps + ".");
        Options.require(batchSize >= 1, "--batch-size must be at least 1, not " + batchSize + ".");
        Options.require(learningRate > 0 && Double.isFinite(learningRate),
                "--lr must be above 0, not " + learningRate + ".");
        Options.require(sampling >= 0 && sampling <= 1,
                "--scheduled-sampling must be from 0 to 1, not " + sampling + ".");
        Options.requireSplit(validationSplit);
    }

    private Checkpoint start(Split split) {
        if (resume != null) {
            Checkpoint last = Checkpoint.read(RunDirectory.lastCheckpoint(resume));
            if (last.training() == null) {
                throw new FramecastException(RunDirectory.lastCheckpoint(resume)
                        + " holds no training state to resume; begin a new run with --init.");
            }
            requireFrames(split, last.model());
            return last;
        }
        boolean modelGiven = spec.commandLine().getParseResult().hasMatchedOption("--model");
        if (init == null) {
            ModelConfig config = Models.load(model, DataOptions.frameShape(split.training()));
            requireFrames(split, config);
            return new Checkpoint(config, Parameters.initial(config, seed), null);
        }
        Checkpoint given = Checkpoint.read(init);
        requireFrames(split, given.model());
        if (modelGiven && !Models.load(model, given.model().input()).equals(given.model())) {
            throw new FramecastException("The model in " + init + " is not the one --model " + model
                    + " asks for; leave --model out to take the checkpoint's.");
        }
        return new Checkpoint(given.model(), given.parameters(), null);
    }

    private void requireFrames(Split split, ModelConfig config) {
        DataOptions.requireFrames(split.training(), data.data, config.input());
    }

    /** What {@code config.json} says: the options as they are after defaults, and the model. */
    private Map<String, Object> config(ModelConfig config) {
        Map<String, Object> map = new LinkedHashMap<>();
        Map<String, Object> options = new LinkedHashMap<>();
        for (List<String> names : List.of(KEPT, LIMITS)) {
            for (String name : names) {
                Object value = spec.findOption(name).getValue();
                options.put(name.substring(2), value instanceof Enum<?> ? value.toString().toLowerCase(Locale.ROOT)
                        : value instanceof Path ? value.toString() : value);
            }
        }
        if (!data.isGenerated()) {
            options.put("data", Path.of(data.data).toAbsolutePath().toString());
        }
        map.put("framecast", Main.VERSION);
        map.put("options", options);
        map.put("model", ModelJson.toMap(config));
        return map;
    }

    /** Takes the options of the run that resumes; giving one of them anew is an error. */
    private void readConfig() {
        JsonNode options = RunDirectory.config(resume).path("options");
        if (!options.isObject()) {
            throw new FramecastException("There is no run to resume in " + resume + ": "
                    + resume.resolve("config.json") + " has no options of framecast train.");
        }
        CommandLine.ParseResult given = spec.commandLine().getParseResult();
        for (String name : KEPT) {
            OptionSpec option = spec.findOption(name);
            Options.require(!given.hasMatchedOption(option), name + " cannot change when a run resumes; leave it out.");
            restore(option, options.path(name.substring(2)));
        }
        if (epochs == null && steps == null) {
            LIMITS.forEach(name -> restore(spec.findOption(name), options.path(name.substring(2))));
        }
    }

    private void restore(OptionSpec option, JsonNode value) {
        if (value.isMissingNode() || value.isNull()) {
            return;
        }
        try {
            option.setValue(convert(option, value.asText()));
        } catch (IllegalArgumentException e) {
            throw new FramecastException(resume.resolve("config.json") + " has a wrong value for \""
                    + option.longestName().substring(2) + "\": " + value + ".", e);
        }
    }

    private static Object convert(OptionSpec option, String text) {
        Class<?> type = option.type();
        if (type.isEnum()) {
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equalsIgnoreCase(text)) {
                    return constant;
                }
            }
            throw new IllegalArgumentException(text);
        }
        return type == Path.class ? Path.of(text) : new JsonMapper().convertValue(text, type);
    }
}
