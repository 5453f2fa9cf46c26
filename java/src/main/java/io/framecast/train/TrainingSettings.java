package io.framecast.train;

import io.framecast.backend.Loss;

/**
 * What a training run does.
 *
 * @param epochs how many epochs at most
 * @param steps how many optimiser steps at most, over all epochs; 0 for no limit
 * @param learningRate of Adam, at the beginning
 * @param seed of the shuffling
 */
public record TrainingSettings(int epochs, long steps, int batchSize, double learningRate, long seed, boolean shuffle,
        Loss loss) {
}
