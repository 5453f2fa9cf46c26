package io.framecast.train;

import io.framecast.backend.Loss;

/**
 * What a training run does.
 *
 * @param epochs how many epochs at most
 * @param steps how many optimiser steps at most, over all epochs; 0 for no limit
 * @param learningRate of Adam, at the beginning
 * @param schedule what becomes of the learning rate, step by step
 * @param sampling scheduled sampling (Bengio et al. 2015): the share of the run after which the second half of the
 *     frames that the network feeds on are its own predictions, as they will be in forecasts; 1 for never
 * @param seed of the shuffling
 */
public record TrainingSettings(int epochs, long steps, int batchSize, double learningRate, Schedule schedule,
        double sampling, long seed, boolean shuffle, Loss loss) {

    /** How the learning rate goes down. */
    public enum Schedule {
        CONSTANT,
        /** Half a cosine, from the learning rate at the first step to 0 after the last (Loshchilov and Hutter 2017). */
        COSINE;

        /**
         * The factor of the learning rate.
         *
         * @param shareDone of the run's steps, before the step that it is for; as {@link #shareDone} has it
         */
        public double factor(double shareDone) {
            return this == CONSTANT ? 1 : (1 + Math.cos(Math.PI * Math.min(1, shareDone))) / 2;
        }
    }

    /** How many steps the run will make if nothing stops it, in epochs of so many batches. */
    public long plannedSteps(int batches) {
        long most = (long) epochs * batches;
        return steps == 0 ? most : Math.min(steps, most);
    }

    /** The share of the {@link #plannedSteps} that {@code made} steps are. */
    public double shareDone(long made, int batches) {
        return (double) made / plannedSteps(batches);
    }
}
