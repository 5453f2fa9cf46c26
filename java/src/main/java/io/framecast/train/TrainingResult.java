package io.framecast.train;

import java.util.List;

/**
 * The results of a run.
 *
 * @param outcome how it ended
 * @param best the state after the epoch with the lowest validation loss, or the lowest training loss if there are no
 *     validation videos; null if that epoch was before the run was resumed
 * @param last the last state, from which a run can be resumed
 * @param steps the steps of this run, in order
 * @param epochs of this run, in their order
 */
public record TrainingResult(Trainer.Outcome outcome, Checkpoint best, Checkpoint last, List<StepMetrics> steps,
        List<EpochMetrics> epochs) {
}
