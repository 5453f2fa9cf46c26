package io.framecast.train;

/** Keras's ModelCheckpoint with {@code save_best_only}: tells the epochs whose loss is the lowest so far. */
final class ModelCheckpoint {

    private Double best;

    /** @param state null before the first epoch */
    ModelCheckpoint(Progress.BestLoss state) {
        best = state == null ? null : state.best();
    }

    Progress.BestLoss state() {
        return new Progress.BestLoss(best);
    }

    /** Whether there was an epoch. */
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
