package io.framecast.train;

/** Is told how a run goes. */
public interface TrainingListener {

    /** @param batches how many batches will be done when the epoch ends, or the run's steps within it */
    void epochStarted(int epoch, int batchesDone, int batches);

    void stepDone(StepMetrics step);

    void epochDone(EpochMetrics epoch);
}
