package io.framecast.backend.guard;

import io.framecast.backend.Tensor;
import java.util.List;

/** What was called of one op so far, and the checks of its next call. */
final class OpCalls {

    private final OpChecks checks;
    private boolean closed;
    /** Of the last forward in training, which backward will read; null: there is nothing to go back from. */
    private List<Tensor> kept;
    private int frames;
    private int batch;
    private boolean begun;
    /** The number of videos of the carried state; 0: there is none yet. */
    private int stateBatch;

    OpCalls(OpChecks checks) {
        this.checks = checks;
    }

    /** Is held during each call. */
    OpGuard guard() {
        return checks.guard();
    }

    void beforeSetting() {
        checks.requireUsable(closed);
    }

    void beforeForward(List<Tensor> inputs, int frames, int batch) {
        checks.requireUsable(closed);
        checks.requireInputs(inputs, frames, batch);
    }

    void afterForward(List<Tensor> inputs, int frames, int batch, boolean training) {
        kept = training && checks.plan().training() ? inputs : null;
        this.frames = frames;
        this.batch = batch;
    }

    /** Once for each forward: an op may overwrite what it kept. */
    void beforeBackward(Tensor dy) {
        checks.requireUsable(closed);
        if (kept == null) {
            throw checks.outOfOrder(checks.plan().training()
                    ? "needs a forward pass in training before each backward"
                    : "was not planned for training and has no backward");
        }
        checks.requireKept(kept);
        checks.guard().require(dy, checks.name() + "'s output gradient");
        checks.requireValues(dy, "output gradient", checks.output(), frames, batch);
        kept = null;
    }

    void beforeBegin() {
        checks.requireUsable(closed);
        requireInference();
    }

    void afterBegin() {
        begun = true;
        stateBatch = 0;
    }

    void beforeStep(List<Tensor> inputs, int frames, int batch, int commit) {
        checks.requireUsable(closed);
        requireInference();
        if (!begun) {
            throw checks.outOfOrder("needs begin() before its first step");
        }
        checks.requireInputs(inputs, frames, batch);
        if (stateBatch > 0 && batch != stateBatch) {
            throw new IllegalArgumentException(checks.name() + " carries the state of " + stateBatch
                    + " videos and was given frames of " + batch + ".");
        }
        if (commit < 0 || commit > frames) {
            throw new IllegalArgumentException(checks.name() + " was given " + frames
                    + " frames and cannot commit the state after " + commit + " of them.");
        }
    }

    void afterStep(int batch, int commit) {
        if (commit > 0) {
            stateBatch = batch;
        }
    }

    private void requireInference() {
        if (checks.plan().training()) {
            throw checks.outOfOrder("was planned for training, which has no steps");
        }
    }

    /** Whether the op is still to be closed. */
    boolean beforeClose() {
        boolean open = !closed;
        if (open) {
            closed = true;
            checks.guard().addClose();
        }
        return open;
    }
}
