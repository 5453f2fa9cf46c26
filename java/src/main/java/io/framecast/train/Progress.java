package io.framecast.train;

/**
 * The progress of a training run. With the parameters and the optimiser's moving averages it is sufficient to resume a
 * run bit for bit. Impossible values are an {@link IllegalArgumentException}.
 *
 * @param step finished optimiser steps
 * @param epoch finished epochs
 * @param batch finished batches of the current epoch
 * @param epochLoss the sum of the losses of these batches, each multiplied by its number of videos
 * @param epochVideos the number of videos of these batches
 * @param epochSeconds the duration of these batches
 * @param learningRate the current learning rate, as set by the callbacks
 * @param callbacks the state of the callbacks
 * @param randomState the state of shuffling
 */
public record Progress(long step, int epoch, int batch, double epochLoss, long epochVideos, double epochSeconds,
        double learningRate, Callbacks callbacks, RandomState randomState) {

    /**
     * Checks the values.
     *
     * @param step at least 0
     * @param epoch at least 0
     * @param batch at least 0; 0 means that no epoch is in progress
     * @param epochLoss finite
     * @param epochVideos 0 if and only if the batch is
     * @param epochSeconds the time of the epoch in progress
     * @param learningRate above 0
     * @param callbacks all of them
     * @param randomState not null
     * @throws IllegalArgumentException if no run can have these
     */
    public Progress {
        if (step < 0 || epoch < 0 || batch < 0 || epochVideos < 0 || epochVideos == 0 != (batch == 0)
                || !Double.isFinite(epochLoss) || !(learningRate > 0) || Double.isInfinite(learningRate)) {
            throw new IllegalArgumentException("a number in it is out of range");
        }
        if (callbacks == null || callbacks.earlyStopping == null || callbacks.reduceLrOnPlateau == null
                || callbacks.modelCheckpoint == null || randomState == null) {
            throw new IllegalArgumentException("it is incomplete");
        }
    }

    /**
     * The state of the callbacks.
     *
     * @param earlyStopping of EarlyStopping
     * @param reduceLrOnPlateau of ReduceLROnPlateau
     * @param modelCheckpoint of ModelCheckpoint
     */
    public record Callbacks(EarlyStopping.State earlyStopping, ReduceLROnPlateau.State reduceLrOnPlateau,
            BestLoss modelCheckpoint) {
    }

    /**
     * The state of ModelCheckpoint.
     *
     * @param best the loss of the best checkpoint so far; null before the end of the first epoch
     */
    public record BestLoss(Double best) {
    }

    /**
     * The state of shuffling.
     *
     * @param seed the seed of the run; the order of the videos of an epoch follows from the seed and the epoch's number
     */
    public record RandomState(long seed) {
    }
}
