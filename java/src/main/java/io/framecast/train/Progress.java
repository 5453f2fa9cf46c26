package io.framecast.train;

/**
 * How far a training run is: with the parameters and the optimiser's averages, all it takes to go on bit for bit.
 * Numbers that no run can have are an {@link IllegalArgumentException}.
 *
 * @param step optimiser steps made
 * @param epoch epochs finished
 * @param batch batches of the epoch in progress that are done
 * @param epochLoss the sum of these batches' losses, each times its videos
 * @param epochVideos these batches' videos
 * @param epochSeconds the time they took
 * @param learningRate as the callbacks left it
 * @param callbacks what the callbacks remember
 * @param randomState where the shuffling is: the order of an epoch follows from the seed and the epoch's number
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
     * What the callbacks remember.
     *
     * @param earlyStopping of EarlyStopping
     * @param reduceLrOnPlateau of ReduceLROnPlateau
     * @param modelCheckpoint of ModelCheckpoint
     */
    public record Callbacks(EarlyStopping.State earlyStopping, ReduceLROnPlateau.State reduceLrOnPlateau,
            BestLoss modelCheckpoint) {
    }

    /**
     * What ModelCheckpoint remembers.
     *
     * @param best the loss of the best checkpoint, the lowest so far; null before the first epoch is over
     */
    public record BestLoss(Double best) {
    }

    /**
     * Where the shuffling is.
     *
     * @param seed of the run; the order of an epoch follows from it and the epoch's number
     */
    public record RandomState(long seed) {
    }
}
