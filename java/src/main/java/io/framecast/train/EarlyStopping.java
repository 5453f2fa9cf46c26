package io.framecast.train;

/** Keras's EarlyStopping: stops when a loss has not gone down for {@code patience} epochs. */
public final class EarlyStopping {

    /**
     * What it remembers.
     *
     * @param best the lowest loss, null before the first epoch
     * @param waited the epochs since
     */
    public record State(Double best, int waited) {
    }

    private final int patience;
    private State state;

    /** @param state where to go on; null to begin */
    EarlyStopping(int patience, State state) {
        this.patience = patience;
        this.state = state == null ? new State(null, 0) : state;
    }

    State state() {
        return state;
    }

    /** Whether training should stop after an epoch with this loss. */
    boolean stopsAfter(double loss) {
        boolean better = state.best == null || loss < state.best;
        state = better ? new State(loss, 0) : new State(state.best, state.waited + 1);
        return stops();
    }

    /** Whether training should have stopped after the last epoch. */
    boolean stops() {
        return state.waited >= patience;
    }
}
