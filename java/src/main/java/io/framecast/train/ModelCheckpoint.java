package io.framecast.train;

/** Keras's ModelCheckpoint with {@code save_best_only}: recognises epochs with the lowest loss so far. */
final class ModelCheckpoint {

    private Double best;

    /** @param state null before the first epoch */
    ModelCheckpoint(Progress.BestLoss state) {
        best = state == null ? null : state.best();
    }

    Progress.BestLoss state() {
        return new Progress.BestLoss(best);
    }

    /** Whether an epoch has finished. */
    boolean hasBest() {
        return best != null;
    }

    /** Whether an epoch with this loss is the best so far. */
    boolean isBest(double loss) {
        boolean lowest = best == null || loss < best;
        if (lowest) {
            best = loss;
        }
        return lowest;
    }
}
