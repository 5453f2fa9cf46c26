package io.framecast.train;

/**
 * One optimiser step.
 *
 * @param step from 1 on
 * @param loss of the step's batch, before the parameters changed
 * @param learningRate of the step, after the schedule
 * @param videos of its batch
 * @param seconds the step took, waiting for its batch included
 */
public record StepMetrics(long step, double loss, double learningRate, int videos, double seconds) {
}
