package io.framecast.backend.guard;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Tensor;

/** A ConvLSTM whose calls are checked before they are made. */
final class GuardedConvLstm extends GuardedOp<ConvLstmOp> implements ConvLstmOp {

    private boolean begun;
    /** The number of videos of the carried state; 0: there is none yet. */
    private int stateBatch;

    GuardedConvLstm(OpChecks checks, ConvLstmOp op) {
        super(checks, op);
    }

    @Override
    public void begin() {
        synchronized (checks.guard()) {
            requireUsable();
            requireInference();
            op.begin();
            begun = true;
            stateBatch = 0;
        }
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        synchronized (checks.guard()) {
            requireUsable();
            requireInference();
            if (!begun) {
                throw checks.outOfOrder("needs begin() before its first step");
            }
            checks.requireInput(x, frames, batch);
            if (stateBatch > 0 && batch != stateBatch) {
                throw new IllegalArgumentException(checks.name() + " carries the state of " + stateBatch
                        + " videos and was given frames of " + batch + ".");
            }
            if (commit < 0 || commit > frames) {
                throw new IllegalArgumentException(checks.name() + " was given " + frames
                        + " frames and cannot commit the state after " + commit + " of them.");
            }
            Tensor y = op.step(x, frames, batch, commit);
            if (commit > 0) {
                stateBatch = batch;
            }
            return y;
        }
    }

    private void requireInference() {
        if (checks.plan().training()) {
            throw checks.outOfOrder("was planned for training, which has no steps");
        }
    }
}
