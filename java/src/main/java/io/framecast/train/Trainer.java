package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.LossOp;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.data.Batch;
import io.framecast.data.Batches;
import io.framecast.data.Epoch;
import io.framecast.data.FrameShift;
import io.framecast.data.Videos;
import io.framecast.nn.Adam;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Trains a network on next frames: of each video it feeds on frames 0..T-2 and is asked for frames 1..T-1. Adam; after
 * each epoch a validation, EarlyStopping (patience 10) and ReduceLROnPlateau (patience 5) on the validation loss, and
 * the checkpoints: {@code last} always, {@code best} when the validation loss (the training loss, where there is no
 * validation) is the lowest so far.
 */
public final class Trainer implements AutoCloseable {

    private static final int EARLY_STOPPING_PATIENCE = 10;
    private static final int REDUCE_LR_PATIENCE = 5;
    /** A long epoch is saved within it, too. */
    private static final long SAVE_NANOS = 5L * 60 * 1_000_000_000;

    /** How a run ended. */
    public enum Outcome {
        /** It made all its epochs or steps. */
        COMPLETED,
        /** The validation loss no longer went down. */
        STOPPED_EARLY,
        /** {@link #stop} was called. */
        INTERRUPTED
    }

    private final TrainingSettings settings;
    private final RunDirectory run;
    private final TrainingListener listener;
    private final Videos validation;
    private final Batches batches;
    private final Batches validationBatches;

    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    private final Tensor videos;
    /** For scheduled sampling: the network for single frames, and what it makes of the videos; null without. */
    private final Network sampler;
    private final Tensor sampled;

    /** What the device does with a batch. */
    private record Pass(int videos, boolean sample, boolean training) {
    }

    private final Map<Pass, Program> programs = new HashMap<>();

    /** What closes the above, the last made first. */
    private final Deque<Runnable> closing = new ArrayDeque<>();

    private final EarlyStopping earlyStopping;
    private final ReduceLROnPlateau reduceLr;
    private Double bestLoss;
    private double learningRate;
    private int epoch;
    private int batch;
    private double epochLoss;
    private long epochVideos;
    private double epochSeconds;
    private volatile boolean stopping;

    /**
     * Plans the network and gives it the checkpoint's parameters. Where the checkpoint comes from a run, the training
     * goes on from there; drop its training state to begin anew with its parameters.
     *
     * @param validation may have no videos
     */
    public Trainer(Backend backend, Checkpoint start, Videos training, Videos validation, TrainingSettings settings,
            RunDirectory run, TrainingListener listener) {
        ModelConfig model = start.model();
        model.requireFramesToFrames();
        this.settings = settings;
        this.run = run;
        this.listener = listener;
        this.validation = validation;
        batches = new Batches(training, settings.batchSize(), settings.shuffle(), settings.seed());
        validationBatches = new Batches(validation, settings.batchSize(), false, 0);

        Progress progress = start.training() == null ? null : start.training().progress();
        if (progress != null && progress.batch() > batches.count()) {
            throw new FramecastException("The run is at batch " + progress.batch() + " of an epoch, but its data now "
                    + "has " + batches.count() + "; resume it with the data it was begun with.");
        }

        int batchSize = Math.min(settings.batchSize(), Math.max(training.count(), validation.count()));
        int frames = training.frames();
        long size = (long) frames * batchSize * training.frameSize();
        boolean sampling = settings.sampling() < 1;
        try {
            network = own(Network.forTraining(backend, model, settings.loss(), frames - 1, batchSize), Network::close);
            loss = own(backend.loss(model.computedAs(settings.loss()), size), LossOp::close);
            adam = own(new Adam(network), Adam::close);
            videos = own(backend.tensor(size), Tensor::close);
            sampler = sampling ? own(network.inference(1, batchSize), Network::close) : null;
            sampled = sampling ? own(backend.tensor(size), Tensor::close) : null;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        network.parameters().set(start.parameters());

        earlyStopping = new EarlyStopping(EARLY_STOPPING_PATIENCE,
                progress == null ? null : progress.callbacks().earlyStopping());
        reduceLr = new ReduceLROnPlateau(REDUCE_LR_PATIENCE,
                progress == null ? null : progress.callbacks().reduceLrOnPlateau());
        learningRate = settings.learningRate();
        if (progress != null) {
            adam.restore(progress.step(), start.training().m(), start.training().v());
            bestLoss = progress.callbacks().modelCheckpoint().best();
            learningRate = progress.learningRate();
            epoch = progress.epoch();
            batch = progress.batch();
            epochLoss = progress.epochLoss();
            epochVideos = progress.epochVideos();
            epochSeconds = progress.epochSeconds();
        }
    }

    /** Asks {@link #run} to leave after the step in progress; may be called from any thread. */
    public void stop() {
        stopping = true;
    }

    /**
     * Trains, until the settings' epochs or steps are made, the loss no longer goes down, or {@link #stop}.
     *
     * @throws DivergedException if the loss becomes NaN or infinite
     */
    public Outcome run() {
        run.begin(checkpoint());
        Outcome outcome = earlyStopping.stops() ? Outcome.STOPPED_EARLY : Outcome.COMPLETED;
        long saved = System.nanoTime();
        while (outcome == Outcome.COMPLETED && epoch < settings.epochs() && (!stepsMade() || epochMade())) {
            listener.epochStarted(epoch + 1, batch, batches.count());
            try (Epoch loaded = batches.epoch(epoch, batch)) {
                Batch next = stepsMade() ? null : upload(loaded);
                while (next != null && !stopping) {
                    next = step(next, loaded);
                    if (System.nanoTime() - saved > SAVE_NANOS) {
                        saveLast();
                        saved = System.nanoTime();
                    }
                }
            }
            double validationLoss = validate();
            if (stopping) {
                // An epoch whose validation was cut short is finished by the run that resumes.
                outcome = Outcome.INTERRUPTED;
            } else if (epochMade()) {
                outcome = finishEpoch(validationLoss);
            } else {
                // The steps ended within an epoch: report on it, but leave it open for a run that resumes.
                report(validationLoss);
            }
            saveLast();
            saved = System.nanoTime();
        }
        if (bestLoss == null) {
            // No epoch was judged yet.
            run.saveBest(checkpoint());
        }
        return outcome;
    }

    private boolean stepsMade() {
        return settings.steps() > 0 && adam.step() >= settings.steps();
    }

    private boolean epochMade() {
        return batch == batches.count();
    }

    /**
     * Makes a step on {@code next}, which is uploaded already.
     *
     * @return the batch after it, uploaded while the device was computing; null if there is none
     */
    private Batch step(Batch next, Epoch loaded) {
        long begin = System.nanoTime();
        double done = settings.shareDone(adam.step(), batches.count());
        double rate = learningRate * settings.schedule().factor(done);
        adam.begin(rate);
        program(next, done >= settings.sampling(), true).run();
        try {
            return stepsMade() ? null : upload(loaded);
        } finally {
            // Where the next batch cannot be loaded the run ends, but this step is made and told of.
            finishStep(next, rate, begin);
        }
    }

    /** Waits for the step's loss. */
    private void finishStep(Batch made, double rate, long begin) {
        double value = loss.value();
        if (!Double.isFinite(value)) {
            throw diverged("The loss became " + words(value) + " at step " + adam.step());
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        batch++;
        epochLoss += value * made.size();
        epochVideos += made.size();
        epochSeconds += seconds;
        StepMetrics metrics = new StepMetrics(adam.step(), value, rate, made.size(), seconds);
        run.add(metrics);
        listener.stepDone(metrics);
    }

    private Batch upload(Epoch loaded) {
        if (!loaded.hasNext()) {
            return null;
        }
        Batch next = loaded.next();
        videos.write(0, next.values(), 0, next.values().length);
        return next;
    }

    /** What the device does with a batch of this size in {@code videos}: always the same, so a program. */
    private Program program(Batch next, boolean sample, boolean training) {
        return programs.computeIfAbsent(new Pass(next.size(), sample, training), pass -> {
            FrameShift shift = next.shift();
            return own(network.backend().program(() -> run(pass, shift)), Program::close);
        });
    }

    /** The loss and, in training, the gradients and Adam's step. */
    private void run(Pass pass, FrameShift shift) {
        Tensor inputs = pass.sample ? sample(shift, pass.videos) : videos;
        Tensor outputs = network.forward(inputs.slice(0, shift.length()), shift.frames(), pass.videos,
                pass.training);
        loss.forward(outputs, videos.slice(shift.targetOffset(), shift.length()), shift.length(), pass.training);
        if (pass.training) {
            network.backward(loss.gradient());
            adam.update();
        }
    }

    /** Of the videos the first half of the frames, and then the network's own forecasts. */
    private Tensor sample(FrameShift shift, int count) {
        long frame = shift.stepSize();
        int seen = shift.videoFrames() / 2;
        videos.copyTo(0, sampled, 0, seen * frame);
        sampler.begin();
        for (int t = 0; t + 2 < shift.videoFrames(); t++) {
            Tensor prediction = sampler.step(sampled.slice(t * frame, frame), count);
            if (t + 1 >= seen) {
                prediction.copyTo(0, sampled, (t + 1) * frame, frame);
            }
        }
        return sampled;
    }

    private Outcome finishEpoch(double validationLoss) {
        EpochMetrics metrics = report(validationLoss);
        epoch++;
        batch = 0;
        epochLoss = 0;
        epochVideos = 0;
        epochSeconds = 0;
        double judged = validation.count() > 0 ? validationLoss : metrics.loss();
        boolean best = bestLoss == null || judged < bestLoss;
        if (best) {
            bestLoss = judged;
        }
        boolean stop = false;
        if (validation.count() > 0) {
            stop = earlyStopping.stopsAfter(validationLoss);
            learningRate = reduceLr.after(validationLoss, learningRate);
        }
        if (best) {
            run.saveBest(checkpoint());
        }
        return stop ? Outcome.STOPPED_EARLY : Outcome.COMPLETED;
    }

    private EpochMetrics report(double validationLoss) {
        double lastStep = settings.shareDone(adam.step() - 1, batches.count());
        EpochMetrics metrics = new EpochMetrics(epoch + 1, epochLoss / epochVideos, validationLoss,
                learningRate * settings.schedule().factor(lastStep), epochSeconds);
        run.add(metrics);
        listener.epochDone(metrics);
        return metrics;
    }

    /**
     * The mean loss over the validation videos, with the moving averages; NaN if there are none, or once stopping.
     * Where the run ends with scheduled sampling, validation samples from the beginning, so that epochs can be
     * compared.
     */
    private double validate() {
        if (validation.count() == 0 || stopping) {
            return Double.NaN;
        }
        long begin = System.nanoTime();
        double sum = 0;
        try (Epoch loaded = validationBatches.epoch(0, 0)) {
            while (loaded.hasNext()) {
                if (stopping) {
                    return Double.NaN;
                }
                Batch next = upload(loaded);
                program(next, sampler != null, false).run();
                sum += loss.value() * next.size();
            }
        }
        epochSeconds += (System.nanoTime() - begin) / 1e9;
        double mean = sum / validation.count();
        if (!Double.isFinite(mean)) {
            throw diverged("The validation loss became " + words(mean) + " after step " + adam.step());
        }
        return mean;
    }

    private void saveLast() {
        run.saveLast(checkpoint());
    }

    private Checkpoint checkpoint() {
        Map<String, HostTensor> parameters = network.parameters().get();
        Map<String, HostTensor> m = adam.m();
        Map<String, HostTensor> v = adam.v();
        requireFinite("parameter", parameters);
        requireFinite("average of the gradient of", m);
        requireFinite("average of the squared gradient of", v);
        Progress.Callbacks callbacks = new Progress.Callbacks(earlyStopping.state(), reduceLr.state(),
                new Progress.BestLoss(bestLoss));
        return new Checkpoint(network.model(), parameters, new Checkpoint.Training(m, v,
                new Progress(adam.step(), epoch, batch, epochLoss, epochVideos, epochSeconds, learningRate, callbacks,
                        new Progress.RandomState(settings.seed())), run.config()));
    }

    private void requireFinite(String what, Map<String, HostTensor> tensors) {
        tensors.forEach((name, tensor) -> {
            if (!Checkpoint.isFinite(tensor)) {
                throw diverged("The " + what + " " + name + " became NaN or infinite at step " + adam.step());
            }
        });
    }

    private static String words(double notFinite) {
        return Double.isNaN(notFinite) ? "NaN" : "infinite";
    }

    private DivergedException diverged(String what) {
        var last = RunDirectory.lastCheckpoint(run.path());
        return new DivergedException(what + "; " + (Files.exists(last)
                ? "the last good checkpoint is " + last : "there is no checkpoint yet")
                + ". Try a smaller --lr.");
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }

    private <T> T own(T resource, Consumer<T> close) {
        closing.push(() -> close.accept(resource));
        return resource;
    }
}
