package io.framecast.train;

/**
 * One epoch.
 *
 * @param epoch from 1 on
 * @param loss the mean over its videos of the losses of its steps
 * @param validationLoss the mean over the validation videos, after the epoch; NaN if there are none
 * @param learningRate of its last step
 * @param seconds it took, validation included
 */
public record EpochMetrics(int epoch, double loss, double validationLoss, double learningRate, double seconds) {
}
