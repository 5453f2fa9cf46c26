package io.framecast.tools.tune;

import io.framecast.backend.Backend;
import io.framecast.data.Videos;
import io.framecast.train.Checkpoint;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingSettings;
import java.util.function.LongFunction;

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
     * @param seconds of the steps, in the time of {@link #clock}
     */
    public record Trained(Checkpoint checkpoint, long steps, long videos, double seconds) {
    }

    /** {@return which time a device is measured by, for tables: processor, or wall} */
    public static String clock(Backend backend) {
        return backend.threads().isPresent() ? "processor" : "wall";
    }

    /**
     * Trains without validation.
     *
     * @param start the model and its initial parameters
     * @param trial the settings of a trial of so many steps: those of the training, but for the learning rate
     * @param training the settings of the training of so many steps
     * @param budget in seconds
     */
    public static Trained train(Backend backend, Checkpoint start, Videos videos, LongFunction<TrainingSettings> trial,
            LongFunction<TrainingSettings> training, double budget) {
        double step = secondsPerStep(backend, start, videos, trial, budget);
        return run(backend, start, videos, training.apply(Math.max(1, Math.round(budget / step))));
    }

    private static double secondsPerStep(Backend backend, Checkpoint start, Videos videos,
            LongFunction<TrainingSettings> trial, double budget) {
        double enough = Math.min(LONGEST_TRIAL, TRIAL_SHARE * budget);
        long steps = LEAST_STEPS;
        Trained tried = run(backend, start, videos, trial.apply(steps));
        while (tried.seconds < enough) {
            double growth = 1.2 * enough / tried.seconds; // Infinite if the processor's clock has not ticked.
            steps = (long) Math.ceil(steps * Math.min(MOST_GROWTH, growth));
            tried = run(backend, start, videos, trial.apply(steps));
        }
        // Once more: until here, Java was still compiling.
        tried = run(backend, start, videos, trial.apply(steps));
        return tried.seconds / tried.steps;
    }

    private static Trained run(Backend backend, Checkpoint start, Videos videos, TrainingSettings settings) {
        Watch watch = new Watch(backend);
        Checkpoint last = Trainer.fit(backend, start, videos, videos.slice(0, 0), settings, watch).last();
        return new Trained(last, watch.steps, watch.videos, (watch.end - watch.begin) / 1e9);
    }

    private static final class Watch implements TrainingListener {

        private final Backend backend;
        private long begin;
        private long end;
        private long steps;
        private long videos;

        Watch(Backend backend) {
            this.backend = backend;
        }

        private long nanos() {
            return backend.threads().isEmpty() ? System.nanoTime()
                    : ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos();
        }

        @Override
        public void trainingStarted(Checkpoint start) {
            begin = nanos();
        }

        @Override
        public void stepDone(StepMetrics step) {
            end = nanos();
            steps++;
            videos += step.videos();
        }
    }
}
