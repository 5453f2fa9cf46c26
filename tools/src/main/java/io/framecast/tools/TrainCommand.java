package io.framecast.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.data.Fingerprint;
import io.framecast.data.Split;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.system.Processor;
import io.framecast.text.Count;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.distributed.SharedCommand;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.ClipLength;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.Remedies;
import io.framecast.tools.option.RunOptions;
import io.framecast.tools.option.SamplingShares;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import io.framecast.train.DivergedException;
import io.framecast.train.Progress;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

@Command(name = "train", description = "Trains a model on next frames, and reports on it.")
final class TrainCommand implements Callable<Integer>, SharedCommand {

    /** In a run's config: the file of digits, or null. Runs of versions without this option lack it. */
    private static final String DIGITS = "digits";

    enum LossName {
        BINARY_CROSSENTROPY, MEAN_SQUARED_ERROR
    }

    @Spec
    CommandSpec spec;

    @Mixin
    DataOptions data;

    @Mixin
    ClipLength clipLength;

    @Mixin
    DeviceOptions device;

    @Option(names = "--model", paramLabel = "NAME|FILE", defaultValue = "small",
            description = "keras, small, motion, motion-large, or a file of model JSON. motion and motion-large bring "
                    + "the options with which they are trained best, except for those that are given. "
                    + "Default: ${DEFAULT-VALUE}.")
    String model;

    @Option(names = "--out", paramLabel = "RUN", converter = FileName.OfDirectory.class,
            description = "The directory for the run's files. Default: run.")
    Path out;

    @Option(names = "--init", paramLabel = "CKPT|NAME",
            description = "Begin with the parameters of this checkpoint, or of moving-mnist, the trained model that "
                    + "comes with Framecast.")
    Path init;

    @Option(names = "--resume", paramLabel = "RUN", converter = FileName.OfDirectory.class,
            description = "Go on with an interrupted run, bit for bit.")
    Path resume;

    @Option(names = "--overwrite", description = "Replace an earlier run in --out.")
    boolean overwrite;

    @Option(names = "--epochs", paramLabel = "N",
            description = "Epochs at most. Default: " + TrainingSettings.Builder.DEFAULT_EPOCHS
                    + ", or as many as --steps take. With both, what comes first ends the run; --resume keeps what is "
                    + "not given.")
    Integer epochs;

    @Option(names = "--steps", paramLabel = "N", description = "Optimiser steps at most, over all epochs.")
    Long steps;

    @Option(names = "--batch-size", paramLabel = "N",
            description = "Videos a step. Default: ${DEFAULT-VALUE}.")
    int batchSize;

    @Option(names = "--local-batch-norm", description = "With several processes: batch normalisation takes the "
            + "statistics of each process's own videos. Faster where the network is slow, and no longer what one "
            + "process computes.")
    boolean localBatchNorm;

    @Option(names = "--optimizer", paramLabel = "OPTIMIZER",
            description = "adam, or muon, which needs fewer steps: Muon for kernels, Adam for the rest. "
                    + "Default: ${DEFAULT-VALUE}.")
    TrainingSettings.OptimizerKind optimizer;

    @Option(names = "--lr", paramLabel = "X",
            description = "The learning rate. Default: ${DEFAULT-VALUE}.")
    double learningRate;

    @Option(names = "--lr-schedule", paramLabel = "SCHEDULE",
            description = "constant, or cosine: down to 0 over the run. Default: ${DEFAULT-VALUE}.")
    TrainingSettings.Schedule schedule;

    @Option(names = "--warmup", paramLabel = "X",
            description = "The share of the run in which the learning rate rises linearly, before its schedule. "
                    + "Default: none.")
    Double warmup;

    @Option(names = "--clip-norm", paramLabel = "X",
            description = "Scale the gradients down where their norm, over all parameters, is larger; 0: never. "
                    + "Default: never.")
    Double clipNorm;

    @Option(names = "--ema", paramLabel = "DECAY",
            description = "Validate and forecast with an exponential moving average of the weights, with this decay "
                    + "per step, such as 0.999; 0: no average. Default: no average.")
    Double ema;

    @Option(names = "--scheduled-sampling", paramLabel = "X|X..Y",
            description = "After this share of the run, feed on the model's own predictions after the context of each "
                    + "video; 1 is never. With X..Y the probability of a prediction rises from 0 to 1 between these "
                    + "shares. Better forecasts, for half as much time again. Default: ${DEFAULT-VALUE}.")
    String samplingShares;

    @Option(names = "--context", paramLabel = "N",
            description = "The frames of a video before those that sampling replaces. Default: half of them.")
    Integer context;

    @Option(names = "--loss-frames", paramLabel = "FRAMES",
            description = "all, or forecast: only the frames after the context count for the loss. "
                    + "Default: ${DEFAULT-VALUE}.")
    TrainingSettings.LossFrames lossFrames;

    @Option(names = "--seed", paramLabel = "N",
            description = "Of initial values, shuffling and generated data. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--validation-split", paramLabel = "X", defaultValue = "0.1",
            description = "The share of the videos, the last ones, to validate with. Default: ${DEFAULT-VALUE}.")
    double validationSplit;

    @Option(names = "--no-shuffle", description = "Keep the order of the videos, epoch after epoch.")
    boolean noShuffle;

    @Option(names = "--fresh", negatable = true,
            description = "Generate new training videos in every epoch, or not; those to validate with stay.")
    boolean fresh;

    @Option(names = "--loss", paramLabel = "LOSS",
            description = "binary_crossentropy or mean_squared_error. Default: ${DEFAULT-VALUE}.")
    LossName loss;

    @Override
    public Integer call() {
        if (resume == null) {
            takeRecipe();
            check();
            Path directory = out != null ? out : Path.of("run");
            requireApart(directory);
            try (RunDirectory run = Processes.isFirst() ? RunDirectory.create(directory, overwrite, Terminal::warn)
                    : RunDirectory.ofOther(directory)) {
                return train(run, null, null);
            }
        }
        Options.require(out == null || out.equals(resume),
                "--resume goes on in the run's own directory; leave --out out.");
        check();
        RunOptions options = new RunOptions(spec);
        options.requireNoneKeptGiven();
        try (RunDirectory run = Processes.isFirst() ? RunDirectory.resume(resume, Terminal::warn)
                : RunDirectory.ofOther(resume)) {
            Checkpoint last = last(run);
            JsonNode config = config(run, last);
            Path source = last.training().run() == null ? resume.resolve("config.json")
                    : RunDirectory.lastCheckpoint(resume);
            options.restore(config.path("options"), source);
            try {
                check();
            } catch (Options.UsageException e) {
                throw new FramecastException(source + " has a wrong value: " + e.getMessage(), e);
            }
            freeThreadsOfOtherProcesses(Computation.of(config), last);
            return train(run, last, config);
        }
    }

    /** Each process has its share of a machine's threads. Sums over other numbers of processes have other roundings. */
    private void freeThreadsOfOtherProcesses(Computation before, Checkpoint last) {
        int now = Processes.group().size();
        if (before.processes() == now) {
            return;
        }
        device.threads = 0;
        if (addsSteps(last)) {
            Terminal.say("processes: " + now + ", where the run had " + before.processes() + ": it goes on with the "
                    + "same batches, and equal but for rounding, not bit for bit");
        }
    }

    /** Devices add in other orders. A run may move between them. Of other processes, it was said already. */
    private static void sayIfAnotherDevice(Computation before, Computation now) {
        if (before.device() != null && !before.device().equals(now.device()) && before.processes() == now.processes()) {
            Terminal.say("device: the run was computed by " + before.device() + " until now: it goes on equal but for "
                    + "rounding, not bit for bit");
        }
    }

    /** Whether a run has made steps and will make more: else it does not matter what computes them. */
    private boolean addsSteps(Checkpoint last) {
        return last.training().progress().step() > 0 && goesOn(last);
    }

    private boolean goesOn(Checkpoint last) {
        Progress progress = last.training().progress();
        return !settings(epochs, steps).isMade(progress) && !Trainer.isStoppedEarly(progress);
    }

    /**
     * The options of the preset's recipe that the user did not give. It is that of --model, also with --init: a
     * checkpoint has no recipe.
     */
    private void takeRecipe() {
        Map<String, Object> recipe = new LinkedHashMap<>(Models.recipe(model));
        if (!data.isGenerated()) {
            recipe.remove("fresh");
        }
        String taken = new RunOptions(spec).take(recipe);
        if (!taken.isEmpty()) {
            System.out.println("options of the preset " + model + ":" + taken);
        }
    }

    /** A new run may start from files of another run, but not of the run that it replaces. */
    private void requireApart(Path directory) {
        List<Path> files = new ArrayList<>(RunDirectory.files(directory));
        files.addAll(Pictures.in(directory.resolve("gifs")));
        Options.requireApart("--data", data.file(), "--out", directory, files);
        Options.requireApart("--digits", data.digits, "--out", directory, files);
        Options.requireApart("--init", CheckpointName.file(init), "--out", directory, files);
        Options.requireApart("--model", Path.of(model), "--out", directory, files);
    }

    /**
     * @param last the checkpoint to resume from; null for a new run
     * @param config the config of the resumed run; null for a new run
     */
    private int train(RunDirectory run, Checkpoint last, JsonNode config) {
        Path clips = RunDirectory.clips(run.path());
        boolean given = new RunOptions(spec).isGiven("--data");
        boolean keepsClips = last != null && !given && Files.exists(clips);
        if (last != null && !given && !keepsClips && !data.isThere()) {
            throw new FramecastException("The videos of the run " + resume + " are no longer in " + data.data
                    + "; say where they are by --data FILE.");
        }
        if (last != null && data.isGenerated() && data.digits != null && !new RunOptions(spec).isGiven("--digits")
                && !Files.exists(data.digits)) {
            throw new FramecastException("The digits of the run " + resume + " are no longer in " + data.digits
                    + "; say where they are by --digits FILE.");
        }
        try (Backend backend = device.open(localBatchNorm)) {
            keepThreads(backend, last != null);
            Computation now = Computation.of(device, backend);
            // What has computed the run's steps, if it has made any.
            Computation before = last == null || last.training().progress().step() == 0 ? now : Computation.of(config);
            if (last != null && addsSteps(last)) {
                sayIfAnotherDevice(before, now);
            }
            // Other videos may be refused: they do not take the place of the run's clips.
            Path kept = last != null && given ? null : clips;
            // The first process imports videos, and the others take what it has imported.
            Split split = Processes.firstBefore(() -> data.split(validationSplit, seed, fresh,
                    clipLength.wanted(frames(last)), kept, keepsClips || !Processes.isFirst() && data.isVideo()));
            if (Processes.isFirst()) { // It reads all of a file; later each process reads only its own videos.
                data.check(split.training().frames());
            }
            Options.require(context == null || context < split.training().frames(), "--context must be below the "
                    + split.training().frames() + " frames of the videos, not " + context + ".");
            Fingerprint fingerprint = Fingerprint.of(split);
            if (last != null) {
                requireSameVideos(config, fingerprint);
            }
            Checkpoint start = last != null ? last : start(split);
            requireFrames(split, start.model());
            run.describe(description(fingerprint, before));
            run.describeFromNextStep(description(fingerprint, now));
            TrainingSettings settings = settings(epochs, steps);
            if (last != null && goesOn(last)) {
                sayWhatNewLimitsChange(config, settings, last, split);
            }
            return train(backend, split, start, run, settings);
        }
    }

    /**
     * Keeps the backend's number of threads in the run's config. The run resumes with it, also on another machine: the
     * bits of the results depend on it.
     */
    private void keepThreads(Backend backend, boolean resumes) {
        backend.threads().ifPresent(threads -> {
            device.threads = threads;
            int processors = Processor.threads();
            if (resumes && threads > processors) {
                System.out.println("threads: " + threads + ", with which the run began, on "
                        + Count.of(processors, "processor"));
            }
        });
    }

    TrainingSettings settings(Integer epochLimit, Long stepLimit) {
        TrainingSettings.Builder builder = TrainingSettings.builder().batchSize(batchSize).optimizer(optimizer)
                .learningRate(learningRate).schedule(schedule).scheduledSampling(sampling()).lossFrames(lossFrames)
                .seed(seed).shuffle(!noShuffle).loss(Loss.valueOf(loss.name()));
        if (warmup != null) {
            builder.warmup(warmup);
        }
        if (clipNorm != null) {
            builder.clipNorm(clipNorm);
        }
        if (ema != null) {
            builder.ema(ema);
        }
        if (context != null) {
            builder.context(context);
        }
        if (epochLimit != null) {
            builder.epochs(epochLimit);
        }
        if (stepLimit != null) {
            builder.steps(stepLimit);
        }
        return builder.build();
    }

    private int train(Backend backend, Split split, Checkpoint start, RunDirectory run, TrainingSettings settings) {
        Trainer.Outcome outcome;
        try {
            outcome = TrainingSession.train(backend, start, split, settings, run);
        } catch (DivergedException e) {
            report(backend, split, run, settings, Remedies.sentence(e));
            throw e;
        }
        if (outcome == Trainer.Outcome.INTERRUPTED) {
            Terminal.say("stopped; go on with: " + TrainingSession.resumption(run));
            return Main.INTERRUPTED;
        }
        if (outcome == Trainer.Outcome.STOPPED_EARLY) {
            Terminal.say("stopped early: the validation loss has not gone down for 10 epochs; to train on from "
                    + "the best: framecast train --init "
                    + Options.quoted(RunDirectory.bestCheckpoint(run.path()).toString()) + " --out ANOTHER"
                    + new RunOptions(spec).given());
        } else if (start.training() != null && settings.isMade(start.training().progress())) {
            Progress progress = start.training().progress();
            List<String> made = new ArrayList<>();
            if (progress.epoch() >= settings.epochs()) {
                made.add("epochs");
            }
            if (steps != null && progress.step() >= steps) {
                made.add("steps");
            }
            System.out.println("nothing to train: the run has made its " + String.join(" and ", made)
                    + "; go on with more by --" + String.join(" N --", made) + " N");
        }
        report(backend, split, run, settings, null);
        return 0;
    }

    /**
     * Writes the report of a finished run. If that fails, the run is still successful: its checkpoints are written.
     *
     * @param failure why the training ended early, or null
     */
    private void report(Backend backend, Split split, RunDirectory run, TrainingSettings settings, String failure) {
        if (!Processes.isFirst()) {
            return;
        }
        try {
            RunReport.write(backend, run.path(), split, settings, new RunReport.About("Framecast: training " + model,
                    Options.commandLine(spec), data.data, failure), null);
            Terminal.say("report: " + run.path().resolve("report.html"));
        } catch (RuntimeException | OutOfMemoryError | LinkageError e) {
            Terminal.warn(failure != null ? "The report failed, too. " + Main.sentence(e)
                    : "The training is done, but its report failed. " + Main.sentence(e)
                            + " To make the report again: " + TrainingSession.resumption(run));
        }
    }

    void check() {
        Options.require(epochs == null || epochs >= 1, "--epochs must be at least 1, not " + epochs + ".");
        Options.require(steps == null || steps >= 1, "--steps must be at least 1, not " + steps + ".");
        Options.require(batchSize >= 1, "--batch-size must be at least 1, not " + batchSize + ".");
        Options.require(learningRate > 0 && Double.isFinite(learningRate),
                "--lr must be above 0, not " + learningRate + ".");
        Options.require(warmup == null || warmup >= 0 && warmup <= 1,
                "--warmup must be from 0 to 1, not " + warmup + ".");
        Options.require(clipNorm == null || clipNorm >= 0 && Double.isFinite(clipNorm),
                "--clip-norm must be at least 0, not " + clipNorm + ".");
        Options.require(ema == null || ema >= 0 && ema < 1, "--ema must be from 0 to below 1, not " + ema + ".");
        Options.require(context == null || context >= 1, "--context must be at least 1, not " + context + ".");
        sampling();
        Options.requireSplit(validationSplit);
    }

    private TrainingSettings.Sampling sampling() {
        return SamplingShares.parse("--scheduled-sampling", samplingShares);
    }

    /** The checkpoint to resume from. */
    private static Checkpoint last(RunDirectory run) {
        try {
            return run.last();
        } catch (FramecastException e) {
            throw new FramecastException(e.getMessage().replaceFirst("\\.$", "") + "; " + remedy(run.path()) + ".", e);
        }
    }

    /** Advice for a run whose last checkpoint is missing or damaged. */
    private static String remedy(Path run) {
        Path best = RunDirectory.bestCheckpoint(run);
        Path last = RunDirectory.lastCheckpoint(run);
        if (isCheckpoint(best)) {
            return "that of the best epoch is whole: go on from there after cp " + best + " " + last
                    + ", or begin a new run with --init " + best;
        }
        return isCheckpoint(last) ? "begin a new run with --init " + last
                : "begin it anew with --out " + run + " --overwrite";
    }

    private static boolean isCheckpoint(Path file) {
        try {
            Checkpoint.read(file);
            return true;
        } catch (FramecastException e) {
            return false;
        }
    }

    /** The config of the resumed run: from its checkpoint, or from {@code config.json} if the checkpoint has none. */
    private JsonNode config(RunDirectory run, Checkpoint last) {
        Path file = resume.resolve("config.json");
        JsonNode known = last.training().run();
        JsonNode written;
        try {
            written = run.readConfig();
        } catch (FramecastException e) {
            if (known == null) {
                throw new FramecastException("The run cannot be resumed: " + e.getMessage(), e);
            }
            Terminal.warn(e.getMessage() + " It is written anew, from what the last checkpoint says.");
            return known;
        }
        if (known == null) {
            if (!written.path("options").isObject()) {
                throw new FramecastException("There is no run to resume in " + resume + ": " + file
                        + " has no options of framecast train.");
            }
            return written;
        }
        if (!known.path("options").isObject()) {
            throw new FramecastException("The run in " + resume + " was not begun by framecast train; begin a new one "
                    + "with --init " + RunDirectory.bestCheckpoint(resume) + ".");
        }
        List<String> differences = RunOptions.differences(known.path("options"), written.path("options"));
        if (!differences.isEmpty()) {
            Terminal.warn(file + " and the last checkpoint disagree about " + String.join(", ", differences)
                    + ": the checkpoint decides, and the file is written anew.");
        }
        return known;
    }

    /** @throws FramecastException if the videos are not those of the run */
    private void requireSameVideos(JsonNode config, Fingerprint now) {
        JsonNode json = config.path("data");
        if (json.isMissingNode()) {
            if (new RunOptions(spec).isGiven("--data")) {
                Terminal.warn("The run " + resume + " was begun by an earlier version, which did not note what its "
                        + "videos were: whether " + data.data + " has the same cannot be told.");
            }
            return;
        }
        Fingerprint begun;
        try {
            begun = new JsonMapper().treeToValue(json, Fingerprint.class);
        } catch (JsonProcessingException e) {
            throw new FramecastException(RunDirectory.lastCheckpoint(resume) + " has a wrong value for \"data\".", e);
        }
        now.differenceFrom(begun).ifPresent(difference -> {
            JsonNode options = config.path("options");
            boolean generated = data.isGenerated() && options.path("data").asText().equals(data.data);
            if (generated && !options.has(DIGITS)) {
                throw new FramecastException("The run " + resume + " was begun by an earlier version, which trained "
                        + "with digits that are for validation and tests now; begin a new run from what it learned by "
                        + "--init " + RunDirectory.bestCheckpoint(resume) + ".");
            }
            if (generated && data.digits != null) {
                throw new FramecastException(data.digits + " does not have the digits that the run " + resume
                        + " was begun with: the videos have " + difference + "; give those by --digits, or begin a new "
                        + "run.");
            }
            throw new FramecastException(data.data + " does not have the videos that the run " + resume
                    + " was begun with: it has " + difference + "; give those by --data, or begin a new run.");
        });
    }

    /** Prints how new limits of epochs or steps change the learning rate and the sampling from here on. */
    private void sayWhatNewLimitsChange(JsonNode config, TrainingSettings now, Checkpoint last, Split split) {
        JsonNode options = config.path("options");
        TrainingSettings before = settings(options.path("epochs").isNumber() ? options.path("epochs").intValue() : null,
                options.path("steps").isNumber() ? options.path("steps").longValue() : null);
        int batches = (split.training().count() + batchSize - 1) / batchSize;
        long planned = now.plannedSteps(batches);
        if (planned == before.plannedSteps(batches)) {
            return;
        }
        if (schedule == TrainingSettings.Schedule.COSINE || warmup != null) {
            Progress progress = last.training().progress();
            System.out.printf(Locale.ROOT, "schedule: the " + (schedule == TrainingSettings.Schedule.COSINE ? "cosine"
                    : "run") + " ends at step %d now, not %d: the learning rate "
                    + "goes on at %.2g, not %.2g%n", planned, before.plannedSteps(batches),
                    rate(now, progress, batches), rate(before, progress, batches));
        }
        TrainingSettings.Sampling sampling = now.sampling();
        if (sampling.isOn() && sampling.to() > 0) {
            System.out.printf(Locale.ROOT, "scheduled sampling: from step %d on now, not %d%n",
                    firstSampled(now, batches), firstSampled(before, batches));
        }
    }

    private static double rate(TrainingSettings settings, Progress progress, int batches) {
        return progress.learningRate() * settings.rateFactor(progress.step(), batches);
    }

    private static long firstSampled(TrainingSettings settings, int batches) {
        TrainingSettings.Sampling sampling = settings.sampling();
        double begin = sampling.from() * settings.plannedSteps(batches);
        // A rise begins with a probability of 0.
        return (long) (sampling.to() > sampling.from() ? Math.floor(begin) + 1 : Math.ceil(begin)) + 1;
    }

    /**
     * The frames that the model takes, if it takes no others; else null.
     *
     * @param last the checkpoint to resume from; null for a new run
     */
    private FrameShape frames(Checkpoint last) {
        if (last != null) {
            return last.model().input();
        }
        if (init != null) {
            return CheckpointName.read(init).model().input();
        }
        return Models.PRESETS.contains(model) ? null : Models.load(model).input();
    }

    private Checkpoint start(Split split) {
        boolean modelGiven = spec.commandLine().getParseResult().hasMatchedOption("--model");
        if (init == null) {
            ModelConfig config = Models.load(model, DataOptions.frameShape(split.training()));
            requireFrames(split, config);
            return Checkpoint.initial(config, seed);
        }
        Checkpoint given = CheckpointName.read(init);
        requireFrames(split, given.model());
        if (modelGiven && !Models.load(model, given.model().input()).equals(given.model())) {
            throw new FramecastException("The model in " + init + " is not the one --model " + model
                    + " asks for; leave --model out to take the checkpoint's.");
        }
        return given.withoutTraining();
    }

    private void requireFrames(Split split, ModelConfig config) {
        DataOptions.requireFrames(split.training(), data.data, config.input());
    }

    /** The description of the run for its config: the options, the fingerprint of the videos, and what computes it. */
    private Map<String, Object> description(Fingerprint fingerprint, Computation computation) {
        Map<String, Object> options = new RunOptions(spec).toMap();
        if (!data.isGenerated()) {
            options.put("data", Path.of(data.data).toAbsolutePath().toString());
        } else if (data.digits != null) {
            options.put(DIGITS, data.digits.toAbsolutePath().toString());
        }
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("framecast", Main.VERSION);
        description.put("options", options);
        description.put("data", fingerprint);
        computation.describe(description, options);
        return description;
    }
}
