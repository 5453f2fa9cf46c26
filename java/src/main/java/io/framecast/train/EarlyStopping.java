package io.framecast.train;

/** Keras's EarlyStopping: stops when the loss has not decreased for {@code patience} epochs. */
public final class EarlyStopping {

    /**
     * The state of the callback.
     *
     * @param best the lowest loss, null before the first epoch
     * @param waited the number of epochs since then
     */
    public record State(Double best, int waited) {
    }

    private final int patience;
    private State state;

    /** @param state the state to continue from; null at the start */
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
