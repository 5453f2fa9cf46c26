package io.framecast.train;

import io.framecast.backend.Loss;
import io.framecast.nn.Adam;
import io.framecast.nn.Models;
import io.framecast.nn.Muon;
import io.framecast.nn.Network;
import io.framecast.nn.Optimizer;
import io.framecast.text.Settings;
import java.util.Locale;

/**
 * The options of a training run. {@link #builder} has the defaults. Values outside their range are an
 * {@link IllegalArgumentException}.
 *
 * @param epochs the maximal number of epochs; at least 1
 * @param steps the maximal number of optimiser steps, over all epochs; 0 for no limit
 * @param batchSize videos per step; at least 1
 * @param optimizer how the gradients change the parameters
 * @param learningRate the optimiser's learning rate, before the schedule; above 0
 * @param schedule how the learning rate changes from step to step, after the warm-up
 * @param warmup the share of the run's planned steps in which the learning rate rises linearly; 0 for none
 * @param clipNorm the largest norm of the gradients of all parameters together: larger ones are scaled down to it; 0
 *     for no limit
 * @param ema the decay of the exponential moving average of the weights, with which the run validates and forecasts;
 *     0 for none. At step t the decay is the smaller of this and (1 + t)/(10 + t), so that the average soon forgets the
 *     initial values
 * @param sampling when the network's inputs are its own predictions
 * @param context how many frames at the beginning of each video are never replaced by predictions, as the frames seen
 *     before a forecast; 0 for half of a video
 * @param lossFrames the frames that count for the loss
 * @param seed the seed of the order of the videos, and of scheduled sampling
 * @param shuffle whether each epoch has its own random order of the videos
 * @param loss the loss to minimise
 */
public record TrainingSettings(int epochs, long steps, int batchSize, OptimizerKind optimizer, double learningRate,
        Schedule schedule, double warmup, double clipNorm, double ema, Sampling sampling, int context,
        LossFrames lossFrames, long seed, boolean shuffle, Loss loss) {

    /**
     * Checks the settings.
     *
     * @param epochs at least 1
     * @param steps at least 0
     * @param batchSize at least 1
     * @param optimizer not null
     * @param learningRate above 0
     * @param schedule not null
     * @param warmup from 0 to 1
     * @param clipNorm at least 0
     * @param ema at least 0 and below 1
     * @param sampling not null
     * @param context at least 0
     * @param lossFrames not null
     * @param seed any
     * @param shuffle whether each epoch has its own order
     * @param loss not null; BINARY_CROSSENTROPY also where it is computed from logits
     * @throws IllegalArgumentException if one is out of its range
     */
    public TrainingSettings {
        Settings.require(epochs >= 1, "epochs", epochs, "at least 1");
        Settings.require(steps >= 0, "steps", steps, "at least 0");
        Settings.require(batchSize >= 1, "batchSize", batchSize, "at least 1");
        Settings.require(optimizer != null, "optimizer", optimizer, "one of its values");
        Settings.require(learningRate > 0 && Double.isFinite(learningRate), "learningRate", learningRate,
                "above 0 and finite");
        Settings.require(schedule != null, "schedule", schedule, "one of its values");
        Settings.require(warmup >= 0 && warmup <= 1, "warmup", warmup, "from 0 to 1");
        Settings.require(clipNorm >= 0 && Double.isFinite(clipNorm), "clipNorm", clipNorm, "at least 0 and finite");
        Settings.require(ema >= 0 && ema < 1, "ema", ema, "at least 0 and below 1");
        Settings.require(sampling != null, "sampling", sampling, "not null");
        Settings.require(context >= 0, "context", context, "at least 0");
        Settings.require(lossFrames != null, "lossFrames", lossFrames, "one of its values");
        Settings.require(loss != null && loss != Loss.BINARY_CROSSENTROPY_FROM_LOGITS, "loss", loss,
                "BINARY_CROSSENTROPY, which is computed from the logits where the model has them, or another");
    }

    /** How the gradients change the parameters. */
    public enum OptimizerKind {
        /** {@link Adam}. */
        ADAM,
        /** {@link Muon}: needs fewer steps. */
        MUON;

        Optimizer optimizer(Network network) {
            return this == ADAM ? new Adam(network) : new Muon(network);
        }
    }

    /** How the learning rate decreases. */
    public enum Schedule {
        /** It stays the same. */
        CONSTANT,
        /**
         * Half a cosine, from the learning rate at the first step, or after the warm-up, to 0 after the last step
         * (Loshchilov and Hutter 2017).
         */
        COSINE;

        /**
         * {@return the factor of the learning rate, from 0 to 1}
         *
         * @param shareDone the share of the steps after the warm-up that were made before this step
         */
        public double factor(double shareDone) {
            return this == CONSTANT ? 1 : (1 + Math.cos(Math.PI * Math.min(1, shareDone))) / 2;
        }
    }

    /**
     * Scheduled sampling (Bengio et al. 2015): from some step on, the network's inputs after the context are its own
     * predictions, as in a forecast. Between two shares of the run, the probability that a frame of a video is a
     * prediction rises linearly from 0 to 1; it is drawn for each step, frame and video. If both shares are the same,
     * all of these frames are true before and predictions after.
     *
     * @param from the share of the run after which predictions begin; 1 is never
     * @param to the share after which all are predictions
     */
    public record Sampling(double from, double to) {

        /** True frames only. */
        public static final Sampling NEVER = new Sampling(1, 1);

        /**
         * Checks the shares.
         *
         * @param from from 0 to 1
         * @param to from {@code from} to 1
         * @throws IllegalArgumentException if one is out of its range
         */
        public Sampling {
            Settings.require(from >= 0 && from <= 1, "sampling", from, "from 0 to 1");
            Settings.require(to >= from && to <= 1, "the end of sampling's rise", to, "from " + from + " to 1");
        }

        /**
         * {@return the shares given as text}
         *
         * @param text one share, as {@code 0.5}, or two, as {@code 0.1..0.5}
         * @throws IllegalArgumentException if it is neither, or a share is out of its range
         */
        public static Sampling parse(String text) {
            String[] shares = text.split("\\.\\.", 2);
            double from = Double.parseDouble(shares[0]);
            return new Sampling(from, shares.length == 1 ? from : Double.parseDouble(shares[1]));
        }

        /**
         * {@return the probability that a frame after the context is a prediction}
         *
         * @param shareDone the share of the run's steps before this step, from {@link #shareDone}
         */
        public double probability(double shareDone) {
            return !isOn() ? 0 : shareDone >= to ? 1 : shareDone <= from ? 0 : (shareDone - from) / (to - from);
        }

        /** {@return whether any step of a run has predictions} */
        public boolean isOn() {
            return from < 1;
        }
    }

    /** The frames that count for the loss, also for that of validation. */
    public enum LossFrames {
        /** All frames but the first, which nothing predicts. */
        ALL,
        /** Those of a forecast: the frames after the context. */
        FORECAST
    }

    /**
     * {@return how many frames at the beginning of each video are always true ones}
     *
     * @param videoFrames the frames of the videos
     */
    public int contextOf(int videoFrames) {
        return context == 0 ? videoFrames / 2 : context;
    }

    /**
     * {@return the factor of the learning rate for the next step, from 0 to 1} In a warm-up of W steps, that of step k
     * is k/W. After it the schedule follows, over the other steps.
     *
     * @param made steps before it
     * @param batches the number of batches per epoch
     */
    public double rateFactor(long made, int batches) {
        long planned = plannedSteps(batches);
        long rising = Math.round(warmup * planned);
        return made < rising ? (made + 1.0) / rising
                : schedule.factor(rising >= planned ? 1 : (double) (made - rising) / (planned - rising));
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

    /**
     * {@return a builder with the options with which a preset is trained best, {@link Models#recipe}; those of
     * {@link #builder()} for any other model}
     *
     * @param model the name or file of a model
     */
    public static Builder builder(String model) {
        Builder builder = new Builder();
        Models.recipe(model).forEach((name, value) -> builder.option(name, value.toString()));
        return builder;
    }

    /** Builds settings; each has its default until it is set. */
    public static final class Builder {

        /** The epochs of a run without a limit of steps. */
        public static final int DEFAULT_EPOCHS = 20;

        private Integer epochs;
        private long steps;
        private int batchSize = 5;
        private OptimizerKind optimizer = OptimizerKind.ADAM;
        private double learningRate = 1e-3;
        private Schedule schedule = Schedule.CONSTANT;
        private double warmup;
        private double clipNorm;
        private double ema;
        private Sampling sampling = Sampling.NEVER;
        private int context;
        private LossFrames lossFrames = LossFrames.ALL;
        private long seed = 1;
        private boolean shuffle = true;
        private Loss loss = Loss.BINARY_CROSSENTROPY;

        private Builder() {
        }

        /** Sets an option of a recipe. */
        private void option(String name, String value) {
            switch (name) {
                case "batch-size" -> batchSize(Integer.parseInt(value));
                case "optimizer" -> optimizer(OptimizerKind.valueOf(value.toUpperCase(Locale.ROOT)));
                case "lr" -> learningRate(Double.parseDouble(value));
                case "lr-schedule" -> schedule(Schedule.valueOf(value.toUpperCase(Locale.ROOT)));
                case "warmup" -> warmup(Double.parseDouble(value));
                case "clip-norm" -> clipNorm(Double.parseDouble(value));
                case "ema" -> ema(Double.parseDouble(value));
                case "scheduled-sampling" -> scheduledSampling(Sampling.parse(value));
                case "context" -> context(Integer.parseInt(value));
                case "loss-frames" -> lossFrames(LossFrames.valueOf(value.toUpperCase(Locale.ROOT)));
                case "loss" -> loss(Loss.valueOf(value.toUpperCase(Locale.ROOT)));
                case "fresh" -> { } // Of the videos.
                default -> throw new IllegalStateException("a recipe has an unknown option: " + name);
            }
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
         * How the gradients change the parameters. Default: {@link OptimizerKind#ADAM}.
         *
         * @param value the new value
         * @return this
         */
        public Builder optimizer(OptimizerKind value) {
            optimizer = value;
            return this;
        }

        /**
         * The optimiser's learning rate. Default: 0.001.
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
            return scheduledSampling(new Sampling(value, value));
        }

        /**
         * When the network's inputs are its own predictions. Default: {@link Sampling#NEVER}.
         *
         * @param value the new value
         * @return this
         */
        public Builder scheduledSampling(Sampling value) {
            sampling = value;
            return this;
        }

        /**
         * The share of the run's planned steps in which the learning rate rises linearly. Default: 0.
         *
         * @param value the new value
         * @return this
         */
        public Builder warmup(double value) {
            warmup = value;
            return this;
        }

        /**
         * The largest norm of the gradients of all parameters together. Default: 0, no limit.
         *
         * @param value the new value
         * @return this
         */
        public Builder clipNorm(double value) {
            clipNorm = value;
            return this;
        }

        /**
         * The decay of the exponential moving average of the weights. Default: 0, no average.
         *
         * @param value the new value
         * @return this
         */
        public Builder ema(double value) {
            ema = value;
            return this;
        }

        /**
         * How many frames at the beginning of each video are never replaced by predictions. Default: 0, half of a
         * video.
         *
         * @param value the new value
         * @return this
         */
        public Builder context(int value) {
            context = value;
            return this;
        }

        /**
         * The frames that count for the loss. Default: {@link LossFrames#ALL}.
         *
         * @param value the new value
         * @return this
         */
        public Builder lossFrames(LossFrames value) {
            lossFrames = value;
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
            return new TrainingSettings(most, steps, batchSize, optimizer, learningRate, schedule, warmup, clipNorm,
                    ema, sampling, context, lossFrames, seed, shuffle, loss);
        }
    }
}
