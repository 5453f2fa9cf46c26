package io.framecast.train;

import java.nio.file.Path;

/**
 * Receives the events of a training run, in the thread that trains. An exception from a listener ends the run.
 * {@link RunDirectory} is a listener that writes the run's files.
 */
public interface TrainingListener {

    /**
     * The run starts or resumes.
     *
     * @param start the state before the first step
     */
    default void trainingStarted(Checkpoint start) {
    }

    /**
     * An epoch starts or resumes.
     *
     * @param epoch its number, from 1
     * @param batchesDone how many of its batches were done before the run was resumed; else 0
     * @param batches how many batches the epoch has
     */
    default void epochStarted(int epoch, int batchesDone, int batches) {
    }

    /**
     * From this step on, inputs of the network are its own predictions (scheduled sampling), after steps on true frames
     * only. The losses from here on are those of a harder task, and so are larger. Not called when a later run resumes.
     *
     * @param step its number, from 2
     */
    default void samplingStarted(long step) {
    }

    /**
     * An optimiser step has finished.
     *
     * @param step its figures
     */
    default void stepDone(StepMetrics step) {
    }

    /**
     * An epoch has finished, with its validation; or the run ends within the epoch because its limit of steps is
     * reached.
     *
     * @param epoch its figures
     */
    default void epochDone(EpochMetrics epoch) {
    }

    /**
     * The epoch that has finished has the lowest loss so far: the validation loss, or the training loss if there are no
     * validation videos. If a run ends before the end of its first epoch, its last state is the best.
     *
     * @param best the state after the epoch
     */
    default void bestFound(Checkpoint best) {
    }

    /**
     * A new state from which the run could be resumed: after each epoch, every five minutes within an epoch, and at the
     * end.
     *
     * @param last the state
     */
    default void checkpointMade(Checkpoint last) {
    }

    /** {@return the file with the last checkpoint, for messages; null if this listener writes none} */
    default Path lastCheckpoint() {
        return null;
    }
}
