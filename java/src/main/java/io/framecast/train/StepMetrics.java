package io.framecast.train;

/**
 * The figures of one optimiser step.
 *
 * @param step its number, from 1
 * @param loss the loss the number of videos in its batch, before the update of the parameters
 * @param learningRate the learning rate of the step, after the schedule
 * @param videos of its batch
 * @param seconds duration, including the wait for the batch
 */
public record StepMetrics(long step, double loss, double learningRate, int videos, double seconds) {
}
