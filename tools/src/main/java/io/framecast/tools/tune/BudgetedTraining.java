package io.framecast.tools.tune;

import io.framecast.backend.Backend;
import io.framecast.data.Videos;
import io.framecast.train.Checkpoint;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingSettings;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;

/**
 * Trains for a budget of time. The trainer counts in steps, and its schedules are shares of the planned steps: so short
 * trials measure the time of a step first, and the training makes as many steps as fit into the budget.
 *
 * <p>The time of the CPU backend is the processor time of this process, which other programs on the machine disturb
 * less than the time of a clock. For GPUs, whose work this is not, it is the time of a clock. Both are taken from the
 * first step to the last, without the trials, the construction of the network, validation and scoring.
 */
public final class BudgetedTraining {

    /** The steps of trials grow until one takes this share of the budget. */
    private static final double TRIAL_SHARE = 0.05;
    /** In seconds; enough for any budget. */
    private static final double LONGEST_TRIAL = 10;
    /** Enough for a trial to have about the same share of steps with scheduled sampling as the training. */
    private static final int LEAST_STEPS = 8;
    private static final int MOST_GROWTH = 8;

    private BudgetedTraining() {
    }

    /**
     * A training and what it took.
     *
     * @param checkpoint the state after the last step
     * @param steps made
     * @param videos seen, each as often as it was
     * @param seconds of the steps, by the clock
     */
    public record Trained(Checkpoint checkpoint, long steps, long videos, double seconds) {
    }

    /** The time that a device is measured by; its name is for tables. */
    public enum Clock {
        PROCESSOR, WALL;

        public static Clock of(Backend backend) {
            return backend.threads().isPresent() ? PROCESSOR : WALL;
        }

        public long nanos() {
            return this == WALL ? System.nanoTime()
                    : ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos();
        }
    }

    /**
     * Trains without validation.
     *
     * @param start the model and its initial parameters
     * @param trial the settings of a trial of so many steps: those of the training, but for the learning rate
     * @param training the settings of the training of so many steps
     * @param budget in seconds
     * @param nanos the clock
     */
    public static Trained train(Backend backend, Checkpoint start, Videos videos, LongFunction<TrainingSettings> trial,
            LongFunction<TrainingSettings> training, double budget, LongSupplier nanos) {
        LongFunction<Trained> trials = steps -> run(backend, start, videos, trial.apply(steps), nanos);
        long steps = Math.max(1, Math.round(budget / secondsPerStep(trials, budget)));
        return run(backend, start, videos, training.apply(steps), nanos);
    }

    private static double secondsPerStep(LongFunction<Trained> trials, double budget) {
        double enough = Math.min(LONGEST_TRIAL, TRIAL_SHARE * budget);
        long steps = LEAST_STEPS;
        Trained tried = trials.apply(steps);
        while (tried.seconds < enough) {
            double growth = 1.2 * enough / tried.seconds; // Infinite if the processor's clock has not ticked.
            steps = (long) Math.ceil(steps * Math.min(MOST_GROWTH, growth));
            tried = trials.apply(steps);
        }
        // Once more: until here, Java was still compiling.
        tried = trials.apply(steps);
        return tried.seconds / tried.steps;
    }

    private static Trained run(Backend backend, Checkpoint start, Videos videos, TrainingSettings settings,
            LongSupplier nanos) {
        Watch watch = new Watch(nanos);
        Checkpoint last = Trainer.fit(backend, start, videos, videos.slice(0, 0), settings, watch).last();
        return new Trained(last, watch.steps, watch.videos, (watch.end - watch.begin) / 1e9);
    }

    private static final class Watch implements TrainingListener {

        private final LongSupplier nanos;
        private long begin;
        private long end;
        private long steps;
        private long videos;

        Watch(LongSupplier nanos) {
            this.nanos = nanos;
        }

        @Override
        public void trainingStarted(Checkpoint start) {
            begin = nanos.getAsLong();
        }

        @Override
        public void stepDone(StepMetrics step) {
            end = nanos.getAsLong();
            steps++;
            videos += step.videos();
        }
    }
}
