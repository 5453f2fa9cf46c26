package io.framecast.train;

import java.nio.file.Path;

/**
 * Is told how a run goes, in the thread that trains. An exception of a listener ends the run. {@link RunDirectory} is
 * one: it keeps a run's files.
 */
public interface TrainingListener {

    /**
     * The run begins, or goes on.
     *
     * @param start the state before its first step
     */
    default void trainingStarted(Checkpoint start) {
    }

    /**
     * An epoch begins, or goes on.
     *
     * @param epoch its number, from 1
     * @param batchesDone how many of its batches an earlier run has done
     * @param batches how many batches the epoch has
     */
    default void epochStarted(int epoch, int batchesDone, int batches) {
    }

    /** An optimiser step is done. */
    default void stepDone(StepMetrics step) {
    }

    /** An epoch is over, and validated; or the run ends within it, as its steps are made. */
    default void epochDone(EpochMetrics epoch) {
    }

    /**
     * The epoch that ended has the lowest loss so far: of the validation videos, or of the training videos where there
     * is no validation. Where a run ends before its first epoch is over, its last state is the best.
     */
    default void bestFound(Checkpoint best) {
    }

    /** The state that a run could go on from: after each epoch, every five minutes within it, and at the end. */
    default void checkpointMade(Checkpoint last) {
    }

    /** The file that has the last checkpoint, for messages; null where this keeps none. */
    default Path lastCheckpoint() {
        return null;
    }
}
