package io.framecast.train;

/**
 * Keras's ReduceLROnPlateau: multiplies the learning rate by 0.1 when the loss has not decreased by more than 0.0001
 * for {@code patience} epochs.
 */
public final class ReduceLROnPlateau {

    private static final double FACTOR = 0.1;
    private static final double MIN_DELTA = 1e-4;

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
    ReduceLROnPlateau(int patience, State state) {
        this.patience = patience;
        this.state = state == null ? new State(null, 0) : state;
    }

    State state() {
        return state;
    }

    /** The learning rate after an epoch with this loss. */
    double after(double loss, double learningRate) {
        if (state.best == null || loss < state.best - MIN_DELTA) {
            state = new State(loss, 0);
        } else if (state.waited + 1 < patience) {
            state = new State(state.best, state.waited + 1);
        } else {
            state = new State(state.best, 0);
            return learningRate * FACTOR;
        }
        return learningRate;
    }
}
