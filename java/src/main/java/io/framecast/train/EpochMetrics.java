package io.framecast.train;

/**
 * The figures of one epoch.
 *
 * @param epoch its number, from 1
 * @param loss the mean of the losses of its steps, weighted by the number of videos of each
 * @param validationLoss the mean loss of the validation videos, after the epoch; NaN if there are none
 * @param learningRate of its last step
 * @param seconds duration, including validation
 */
public record EpochMetrics(int epoch, double loss, double validationLoss, double learningRate, double seconds) {
}
