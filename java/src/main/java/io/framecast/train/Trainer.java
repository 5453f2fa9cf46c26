package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Backend;
import io.framecast.backend.ProcessGroup;
import io.framecast.data.Batch;
import io.framecast.data.BatchPart;
import io.framecast.data.Batches;
import io.framecast.data.Epoch;
import io.framecast.data.Videos;
import io.framecast.distributed.Agreement;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.text.Count;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Trains a network to predict next frames: for a video of T frames, the inputs are the frames 0..T-2 and the targets
 * the frames 1..T-1. The optimiser is Adam. After each epoch, validation, EarlyStopping (patience 10) and
 * ReduceLROnPlateau (patience 5) follow, on the validation loss, as in Keras.
 *
 * <p>Not thread-safe, except {@link #stop}. It uses the backend, which the caller closes after it. A thread of its own
 * reads the videos. The same seed, device, precision and number of threads give the same bits in every run, also if the
 * run was stopped and resumed.
 *
 * <p>If the backend has a group of processes, all of them make the same trainer and run it. Each computes its part of
 * every batch. Losses, the learning rate and the end of the run are those of the whole batches, the same in all
 * processes. {@link #stop} in one stops all. Only the listeners of process 0 are called.
 */
public final class Trainer implements AutoCloseable {

    private static final int EARLY_STOPPING_PATIENCE = 10;
    private static final int REDUCE_LR_PATIENCE = 5;
    /** The time between checkpoints within an epoch. */
    private static final long SAVE_NANOS = 5L * 60 * 1_000_000_000;

    /** How a run ended. */
    public enum Outcome {
        /** All epochs or steps are done. */
        COMPLETED,
        /** The validation loss no longer decreased. */
        STOPPED_EARLY,
        /** {@link #stop} was called. */
        INTERRUPTED
    }

    private final ModelConfig model;
    private final TrainingSettings settings;
    private final List<TrainingListener> listeners;
    private final Checkpoint.Training before;
    private final Batches batches;
    private final Validation validation;
    private final TrainingNetwork network;
    private final ProcessGroup group;

    private final EarlyStopping earlyStopping;
    private final ReduceLROnPlateau reduceLr;
    private final ModelCheckpoint modelCheckpoint;
    private final EpochProgress progress;
    private double learningRate;
    private long savedNanos;
    private final AtomicBoolean running = new AtomicBoolean();
    /** This process is asked to stop. */
    private volatile boolean stopping;
    /** All processes have agreed to stop. */
    private boolean stopped;
    private boolean interrupted;
    private volatile boolean closed;

    /**
     * Creates the network with the checkpoint's parameters. If the checkpoint has the state of a run, the training
     * resumes that run; to start a new run from its parameters, use {@link Checkpoint#withoutTraining}.
     *
     * @param backend the device
     * @param start the model, its parameters, and the state of the run if one is resumed
     * @param training at least one video, with frames of the model's shape
     * @param validation videos of the same shape, or none: then the best epoch is the one with the lowest training
     *     loss, and there is no early stopping and no reduction of the learning rate
     * @param settings the options of the run
     * @param listeners called in this order
     * @throws IllegalArgumentException if the videos' shapes do not fit the model, the settings or each other
     * @throws FramecastException if the model's output frames do not have the shape of its input frames, the checkpoint
     *     is from a run on more videos, a batch has fewer videos than there are processes, the processes were given
     *     different things, or there is not enough memory
     */
    public Trainer(Backend backend, Checkpoint start, Videos training, Videos validation, TrainingSettings settings,
            TrainingListener... listeners) {
        model = start.model();
        model.requireFramesToFrames();
        requireVideos(start, training, validation, settings);
        this.settings = settings;
        this.listeners = List.of(listeners);
        before = start.training();
        group = backend.dataParallel().group();
        requireShare(settings);
        batches = new Batches(training, settings.batchSize(), settings.shuffle(), settings.seed(), group.rank(),
                group.size());
        this.validation = new Validation(validation, settings.batchSize(), group);

        Progress from = before == null ? null : before.progress();
        if (from != null && from.batch() > batches.count()) {
            throw new FramecastException("The run is at batch " + from.batch() + " of an epoch, but its data now "
                    + "has " + batches.count() + "; resume it with the data it was begun with.");
        }
        Progress.Callbacks states = from == null ? new Progress.Callbacks(null, null, null) : from.callbacks();
        earlyStopping = new EarlyStopping(EARLY_STOPPING_PATIENCE, states.earlyStopping());
        reduceLr = new ReduceLROnPlateau(REDUCE_LR_PATIENCE, states.reduceLrOnPlateau());
        modelCheckpoint = new ModelCheckpoint(states.modelCheckpoint());
        progress = new EpochProgress(from);
        learningRate = from == null ? settings.learningRate() : from.learningRate();
        requireSame(backend, start, training, validation);
        int largest = Math.min(settings.batchSize(), Math.max(training.count(), validation.count()));
        network = new TrainingNetwork(backend, start, settings, training.frames(),
                Math.max(1, BatchPart.of(largest, 0, group.size()).count()));
    }

    /**
     * {@return whether a run with this progress was stopped early, so that it makes no further steps}
     *
     * @param progress the progress of the run
     */
    public static boolean isStoppedEarly(Progress progress) {
        return new EarlyStopping(EARLY_STOPPING_PATIENCE, progress.callbacks().earlyStopping()).stops();
    }

    private void requireShare(TrainingSettings settings) {
        if (settings.batchSize() < group.size()) {
            throw new FramecastException(group.size() + " processes cannot share batches of "
                    + Count.of(settings.batchSize(), "video") + "; choose a batch size of at least " + group.size()
                    + ", or start fewer processes.");
        }
    }

    /** All processes compute with the same, or the result would be that of no training. */
    private void requireSame(Backend backend, Checkpoint start, Videos training, Videos validation) {
        if (group.size() == 1) {
            return;
        }
        // The same updates come only from the same kind of device; batch normalisation is collective or not.
        new Agreement().add(settings.toString()).add(backend.getClass().getName()).add(backend.precision().name())
                .add(String.valueOf(backend.dataParallel().localBatchNorm()))
                .require(group, "was started with other options than process 0, or on another kind of device; give all "
                        + "the same.");
        Agreement parameters = new Agreement().add(ModelJson.write(start.model()));
        start.parameters().forEach((name, tensor) -> parameters.add(name).add(tensor.values()));
        parameters.add(String.valueOf(before == null ? null : before.progress()))
                .require(group, "has another model or checkpoint than process 0; give all the same files.");
        new Agreement().add(training.count() + " " + validation.count()).add(training.get(0).values())
                .require(group, "has other videos than process 0; give all the same files.");
    }

    private static void requireVideos(Checkpoint start, Videos training, Videos validation,
            TrainingSettings settings) {
        if (training.count() < 1 || training.frames() < 2) {
            throw new IllegalArgumentException("there is no next frame to learn in " + training.count()
                    + " videos of " + training.frames() + " frames");
        }
        if (settings.contextOf(training.frames()) >= training.frames()) {
            throw new IllegalArgumentException("there is nothing to forecast after a context of " + settings.context()
                    + " frames in videos of " + training.frames());
        }
        start.requireFrames(training);
        if (validation.count() > 0) {
            start.requireFrames(validation);
            if (validation.frames() != training.frames()) {
                throw new IllegalArgumentException("training videos have " + training.frames()
                        + " frames, but validation videos " + validation.frames());
            }
        }
    }

    /**
     * Trains without files, and returns the results in memory.
     *
     * @param backend the device
     * @param start the model and its parameters, for example {@link Checkpoint#initial}, and the state of the run if
     *     one is resumed
     * @param training at least one video, with frames of the model's shape
     * @param validation videos of the same shape, or none
     * @param settings the options of the run
     * @param listeners called in this order
     * @return the results of the run
     * @throws DivergedException if a loss or a parameter becomes NaN or infinite; other exceptions are those of
     *     {@link #Trainer the constructor} and {@link #run}
     */
    public static TrainingResult fit(Backend backend, Checkpoint start, Videos training, Videos validation,
            TrainingSettings settings, TrainingListener... listeners) {
        Recorder recorder = new Recorder();
        List<TrainingListener> all = new ArrayList<>(List.of(recorder));
        all.addAll(List.of(listeners));
        try (Trainer trainer = new Trainer(backend, start, training, validation, settings,
                all.toArray(TrainingListener[]::new))) {
            return recorder.result(trainer.run());
        }
    }

    /**
     * Asks {@link #run} to return after the current step. May be called from any thread. Interrupting the thread in run
     * does the same. The trainer stays stopped: to continue, make another one from the last checkpoint.
     */
    public void stop() {
        stopping = true;
    }

    /**
     * Trains until the epochs or steps of the settings are done, the loss no longer decreases, or {@link #stop} is
     * called.
     *
     * @return how it ended
     * @throws DivergedException if a loss or a parameter becomes NaN or infinite
     * @throws IllegalStateException if the trainer was closed, or is running
     */
    public Outcome run() {
        if (closed) {
            throw new IllegalStateException("the trainer is closed");
        }
        if (!running.compareAndSet(false, true)) {
            throw new IllegalStateException("the trainer is running");
        }
        try {
            return trainEpochs();
        } finally {
            running.set(false);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Outcome trainEpochs() {
        if (group.rank() == 0) {
            Checkpoint start = checkpoint();
            tell(listener -> listener.trainingStarted(start));
        }
        savedNanos = System.nanoTime();
        Outcome outcome = earlyStopping.stops() ? Outcome.STOPPED_EARLY : Outcome.COMPLETED;
        while (outcome == Outcome.COMPLETED && progress.epoch() < settings.epochs() && (!stepsMade() || epochMade())) {
            tell(listener -> listener.epochStarted(progress.epoch() + 1, progress.batch(), batches.count()));
            trainEpoch();
            outcome = finishEpoch(validate());
        }
        if (!modelCheckpoint.hasBest() && group.rank() == 0) {
            Checkpoint last = checkpoint();
            tell(listener -> listener.bestFound(last));
        }
        return outcome;
    }

    /** Makes the remaining steps of the epoch. */
    private void trainEpoch() {
        try (Epoch loaded = batches.epoch(progress.epoch(), progress.batch())) {
            Batch next = stepsMade() ? null : upload(loaded);
            while (!agreeToStop() && !epochMade() && !stepsMade()) {
                next = step(next, loaded);
                if (group.rank() == 0 && System.nanoTime() - savedNanos > SAVE_NANOS) {
                    save(checkpoint());
                }
            }
        }
    }

    /**
     * Makes a step with {@code batch}, which is already on the device.
     *
     * @return the next batch, uploaded while the device was computing; null if there is none
     */
    private Batch step(Batch batch, Epoch loaded) {
        long begin = System.nanoTime();
        double done = settings.shareDone(steps(), batches.count());
        double rate = learningRate * settings.rateFactor(steps(), batches.count());
        double probability = settings.sampling().probability(done);
        if (probability > 0 && steps() > 0
                && settings.sampling().probability(settings.shareDone(steps() - 1, batches.count())) == 0) {
            long first = steps() + 1;
            tell(listener -> listener.samplingStarted(first));
        }
        network.train(batch, rate, probability);
        try {
            return stepsMade() ? null : upload(loaded);
        } finally {
            // If the next batch cannot be loaded the run ends, but this step is finished and reported.
            finishStep(batch, rate, begin);
        }
    }

    /** Null also if this process is asked to stop: then there will be no step in any. */
    private Batch upload(Epoch loaded) {
        if (!loaded.hasNext() || isStopping()) {
            return null;
        }
        try {
            Batch next = loaded.next();
            network.upload(next);
            return next;
        } catch (CancellationException e) { // Interrupted while it waited.
            isStopping();
            return null;
        }
    }

    /** Whether any process is asked to stop, the same in all. */
    private boolean agreeToStop() {
        stopped = Arrays.stream(group.allGather(isStopping() ? 1 : 0)).anyMatch(asked -> asked > 0);
        return stopped;
    }

    /**
     * Whether this process is asked to stop, also by an interrupt of the thread. Its flag is cleared until the end, as
     * it would make writing files fail.
     */
    private boolean isStopping() {
        if (Thread.interrupted()) {
            interrupted = true;
            stopping = true;
        }
        return stopping;
    }

    private void finishStep(Batch batch, double rate, long begin) {
        double loss = mean(network.loss(), batch.part());
        if (!Double.isFinite(loss)) {
            throw diverged("The loss became " + words(loss) + " at step " + steps());
        }
        StepMetrics step = new StepMetrics(steps(), loss, rate, batch.part().whole(),
                (System.nanoTime() - begin) / 1e9);
        progress.add(step);
        tell(listener -> listener.stepDone(step));
    }

    /** The mean over the whole batch, of the mean over this process's part of it. */
    private double mean(double own, BatchPart part) {
        return Arrays.stream(group.allGather(part.count() == 0 ? 0 : own * part.weight())).sum();
    }

    /** The mean loss of the validation videos; NaN if there are none, or if the run is stopping. */
    private double validate() {
        if (validation.isEmpty() || stopped) {
            return Double.NaN;
        }
        long begin = System.nanoTime();
        OptionalDouble loss = validation.meanLoss(network, this::isStopping);
        if (loss.isEmpty()) {
            stopped = true;
            return Double.NaN;
        }
        progress.addSeconds((System.nanoTime() - begin) / 1e9);
        if (!Double.isFinite(loss.getAsDouble())) {
            throw diverged("The validation loss became " + words(loss.getAsDouble()) + " after step " + steps());
        }
        return loss.getAsDouble();
    }

    private Outcome finishEpoch(double validationLoss) {
        Outcome outcome = Outcome.COMPLETED;
        boolean best = false;
        if (stopped) {
            // If the validation was interrupted, the resumed run finishes the epoch.
            outcome = Outcome.INTERRUPTED;
        } else if (!epochMade()) {
            // The limit of steps was reached within an epoch: report it, but leave it unfinished for a resumed run.
            report(validationLoss);
        } else {
            EpochMetrics epoch = report(validationLoss);
            progress.nextEpoch();
            best = modelCheckpoint.isBest(validation.isEmpty() ? epoch.loss() : validationLoss);
            if (!validation.isEmpty()) {
                outcome = earlyStopping.stopsAfter(validationLoss) ? Outcome.STOPPED_EARLY : Outcome.COMPLETED;
                learningRate = reduceLr.after(validationLoss, learningRate);
            }
        }
        requireSameParameters();
        if (group.rank() == 0) {
            Checkpoint now = checkpoint();
            if (best) {
                tell(listener -> listener.bestFound(now));
            }
            save(now);
        }
        return outcome;
    }

    private EpochMetrics report(double validationLoss) {
        EpochMetrics epoch = new EpochMetrics(progress.epoch() + 1, progress.meanLoss(), validationLoss,
                learningRate * settings.rateFactor(steps() - 1, batches.count()), progress.seconds());
        tell(listener -> listener.epochDone(epoch));
        return epoch;
    }

    /** All processes make the same updates of the same parameters, unless a machine computes wrongly. */
    private void requireSameParameters() {
        if (group.size() > 1) {
            new Agreement().add(network.trained()).require(group, "has other parameters than process 0 after step "
                    + steps() + ", though both computed the same: one of the machines or the network between them is "
                    + "faulty; resume the run from its last checkpoint on others.");
        }
    }

    private void save(Checkpoint last) {
        tell(listener -> listener.checkpointMade(last));
        savedNanos = System.nanoTime();
    }

    private void tell(Consumer<TrainingListener> event) {
        if (group.rank() == 0) {
            listeners.forEach(event);
        }
    }

    private long steps() {
        return network.optimizer().step();
    }

    private boolean stepsMade() {
        return settings.steps() > 0 && steps() >= settings.steps();
    }

    private boolean epochMade() {
        return progress.batch() == batches.count();
    }

    /** The current state, read from the device. */
    private Checkpoint checkpoint() {
        Map<String, HostTensor> parameters = network.parameters();
        Map<String, HostTensor> weights = network.averages() ? network.weights() : null;
        Map<String, HostTensor> m = network.optimizer().m();
        Map<String, HostTensor> v = network.optimizer().v();
        requireFinite("parameter", weights == null ? parameters : weights);
        requireFinite("average of the gradient of", m);
        requireFinite("average of the squared gradient of", v);
        Progress.Callbacks states = new Progress.Callbacks(earlyStopping.state(), reduceLr.state(),
                modelCheckpoint.state());
        return new Checkpoint(model, parameters, new Checkpoint.Training(m, v, weights,
                progress.toProgress(steps(), learningRate, states, settings.seed()),
                before == null ? null : before.run()));
    }

    private void requireFinite(String what, Map<String, HostTensor> tensors) {
        tensors.forEach((name, tensor) -> {
            if (!Checkpoint.isFinite(tensor)) {
                throw diverged("The " + what + " " + name + " became NaN or infinite at step " + steps());
            }
        });
    }

    private static String words(double notFinite) {
        return Double.isNaN(notFinite) ? "NaN" : "infinite";
    }

    private DivergedException diverged(String what) {
        Path last = listeners.stream().map(TrainingListener::lastCheckpoint).filter(Objects::nonNull).findFirst()
                .orElse(null);
        return new DivergedException(what + (last == null ? "" : "; the last good checkpoint is " + last)
                + ". Try a smaller learning rate.", Remedy.SMALLER_LEARNING_RATE);
    }

    @Override
    public void close() {
        closed = true;
        network.close();
    }
}
