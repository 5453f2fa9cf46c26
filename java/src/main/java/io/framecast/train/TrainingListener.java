package io.framecast.train;

/** Is told how a run goes. */
public interface TrainingListener {

    /** @param batches how many batches the epoch has */
    void epochStarted(int epoch, int batchesDone, int batches);

    void stepDone(StepMetrics step);

    void epochDone(EpochMetrics epoch);
}
