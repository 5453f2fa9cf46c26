package io.framecast.train;

import java.util.ArrayList;
import java.util.List;

/** Collects the results of a run in memory. */
final class Recorder implements TrainingListener {

    private final List<StepMetrics> steps = new ArrayList<>();
    private final List<EpochMetrics> epochs = new ArrayList<>();
    private Checkpoint best;
    private Checkpoint last;

    @Override
    public void trainingStarted(Checkpoint start) {
        last = start;
    }

    @Override
    public void stepDone(StepMetrics step) {
        steps.add(step);
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        epochs.add(epoch);
    }

    @Override
    public void bestFound(Checkpoint found) {
        best = found;
    }

    @Override
    public void checkpointMade(Checkpoint made) {
        last = made;
    }

    TrainingResult result(Trainer.Outcome outcome) {
        return new TrainingResult(outcome, best, last, List.copyOf(steps), List.copyOf(epochs));
    }
}
