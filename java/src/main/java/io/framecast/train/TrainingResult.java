package io.framecast.train;

import java.util.List;

/**
 * What a run came to.
 *
 * @param outcome how it ended
 * @param best the state after the epoch with the lowest loss: of the validation videos, or of the training videos where
 *     there is no validation
 * @param last the last state, which a further run can go on from
 * @param steps of this run, in their order
 * @param epochs of this run, in their order
 */
public record TrainingResult(Trainer.Outcome outcome, Checkpoint best, Checkpoint last, List<StepMetrics> steps,
        List<EpochMetrics> epochs) {

    /** Copies the lists. */
    public TrainingResult {
        steps = List.copyOf(steps);
        epochs = List.copyOf(epochs);
    }
}
