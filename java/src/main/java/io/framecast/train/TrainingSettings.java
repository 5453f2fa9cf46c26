package io.framecast.train;

import io.framecast.backend.Loss;
import io.framecast.text.Settings;

/**
 * The options of a training run. {@link #builder} has the defaults. Values outside their range are an
 * {@link IllegalArgumentException}.
 *
 * @param epochs the maximal number of epochs; at least 1
 * @param steps the maximal number of optimiser steps, over all epochs; 0 for no limit
 * @param batchSize videos per step; at least 1
 * @param learningRate Adam's learning rate at the start; above 0
 * @param schedule how the learning rate changes from step to step
 * @param sampling scheduled sampling (Bengio et al. 2015): the share of the run after which the network's inputs in the
 *     second half of each video are its own predictions, as in a forecast; 0 is from the first step, 1 is never
 * @param seed the seed of the order of the videos
 * @param shuffle whether each epoch has its own random order of the videos
 * @param loss the loss to minimise
 */
public record TrainingSettings(int epochs, long steps, int batchSize, double learningRate, Schedule schedule,
        double sampling, long seed, boolean shuffle, Loss loss) {

    /**
     * Checks the settings.
     *
     * @param epochs at least 1
     * @param steps at least 0
     * @param batchSize at least 1
     * @param learningRate above 0
     * @param schedule not null
     * @param sampling from 0 to 1
     * @param seed any
     * @param shuffle whether each epoch has its own order
     * @param loss not null; BINARY_CROSSENTROPY also where it is computed from logits
     * @throws IllegalArgumentException if one is out of its range
     */
    public TrainingSettings {
        Settings.require(epochs >= 1, "epochs", epochs, "at least 1");
        Settings.require(steps >= 0, "steps", steps, "at least 0");
        Settings.require(batchSize >= 1, "batchSize", batchSize, "at least 1");
        Settings.require(learningRate > 0 && Double.isFinite(learningRate), "learningRate", learningRate,
                "above 0 and finite");
        Settings.require(sampling >= 0 && sampling <= 1, "sampling", sampling, "from 0 to 1");
        Settings.require(schedule != null, "schedule", schedule, "one of its values");
        Settings.require(loss != null && loss != Loss.BINARY_CROSSENTROPY_FROM_LOGITS, "loss", loss,
                "BINARY_CROSSENTROPY, which is computed from the logits where the model has them, or another");
    }

    /** How the learning rate decreases. */
    public enum Schedule {
        /** It stays the same. */
        CONSTANT,
        /** Half a cosine, from the learning rate at the first step to 0 after the last (Loshchilov and Hutter 2017). */
        COSINE;

        /**
         * {@return the factor of the learning rate, from 0 to 1}
         *
         * @param shareDone the share of the run's steps before this step, from {@link #shareDone}
         */
        public double factor(double shareDone) {
            return this == CONSTANT ? 1 : (1 + Math.cos(Math.PI * Math.min(1, shareDone))) / 2;
        }
    }

    /**
     * {@return how many steps the run makes if it is not stopped early}
     *
     * @param batches the number of batches per epoch
     */
    public long plannedSteps(int batches) {
        long most = (long) epochs * batches;
        return steps == 0 ? most : Math.min(steps, most);
    }

    /**
     * {@return the share of the {@link #plannedSteps planned steps} that is done, from 0}
     *
     * @param made steps
     * @param batches the number of batches per epoch
     */
    public double shareDone(long made, int batches) {
        return (double) made / plannedSteps(batches);
    }

    /**
     * {@return whether a run has done all epochs or steps of these settings}
     *
     * @param progress the progress of the run
     */
    public boolean isMade(Progress progress) {
        return progress.epoch() >= epochs || steps > 0 && progress.step() >= steps;
    }

    /**
     * {@return a builder with the defaults, those of Keras's example "Next-Frame Video Prediction with Convolutional
     * LSTMs"}
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Builds settings; each has its default until it is set. */
    public static final class Builder {

        /** The epochs of a run without a limit of steps. */
        public static final int DEFAULT_EPOCHS = 20;

        private Integer epochs;
        private long steps;
        private int batchSize = 5;
        private double learningRate = 1e-3;
        private Schedule schedule = Schedule.CONSTANT;
        private double sampling = 1;
        private long seed = 1;
        private boolean shuffle = true;
        private Loss loss = Loss.BINARY_CROSSENTROPY;

        private Builder() {
        }

        /**
         * The maximal number of epochs. Default: 20; if steps are set, as many as these need.
         *
         * @param value the new value
         * @return this
         */
        public Builder epochs(int value) {
            epochs = value;
            return this;
        }

        /**
         * The maximal number of optimiser steps, over all epochs. Default: 0, no limit.
         *
         * @param value the new value
         * @return this
         */
        public Builder steps(long value) {
            steps = value;
            return this;
        }

        /**
         * Videos per step. Default: 5.
         *
         * @param value the new value
         * @return this
         */
        public Builder batchSize(int value) {
            batchSize = value;
            return this;
        }

        /**
         * Adam's learning rate. Default: 0.001.
         *
         * @param value the new value
         * @return this
         */
        public Builder learningRate(double value) {
            learningRate = value;
            return this;
        }

        /**
         * How the learning rate decreases. Default: {@link Schedule#CONSTANT}.
         *
         * @param value the new value
         * @return this
         */
        public Builder schedule(Schedule value) {
            schedule = value;
            return this;
        }

        /**
         * The share of the run after which scheduled sampling starts. Default: 1, never.
         *
         * @param value the new value
         * @return this
         */
        public Builder scheduledSampling(double value) {
            sampling = value;
            return this;
        }

        /**
         * The seed of the order of the videos. Default: 1.
         *
         * @param value the new value
         * @return this
         */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /**
         * Whether each epoch has its own random order of the videos. Default: true.
         *
         * @param value the new value
         * @return this
         */
        public Builder shuffle(boolean value) {
            shuffle = value;
            return this;
        }

        /**
         * The loss to minimise. Default: binary cross-entropy.
         *
         * @param value the new value
         * @return this
         */
        public Builder loss(Loss value) {
            loss = value;
            return this;
        }

        /**
         * {@return the settings}
         *
         * @throws IllegalArgumentException if a value is outside its range
         */
        public TrainingSettings build() {
            int most = epochs != null ? epochs : steps > 0 ? Integer.MAX_VALUE : DEFAULT_EPOCHS;
            return new TrainingSettings(most, steps, batchSize, learningRate, schedule, sampling, seed, shuffle, loss);
        }
    }
}
