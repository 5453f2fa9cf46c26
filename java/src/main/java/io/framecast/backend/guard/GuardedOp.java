package io.framecast.backend.guard;

import io.framecast.backend.Op;
import io.framecast.backend.Tensor;

/** An op whose calls are checked before they are made. */
class GuardedOp<T extends Op> implements Op {

    final OpChecks checks;
    final T op;
    private boolean closed;
    /** Of the last forward in training, which backward will read; null: there is nothing to go back from. */
    private Tensor x;
    private int frames;
    private int batch;

    GuardedOp(OpChecks checks, T op) {
        this.checks = checks;
        this.op = op;
    }

    final void requireUsable() {
        checks.requireUsable(closed);
    }

    @Override
    public final Tensor forward(Tensor x, int frames, int batch, boolean training) {
        synchronized (checks.guard()) {
            requireUsable();
            checks.requireInput(x, frames, batch);
            Tensor y = op.forward(x, frames, batch, training);
            this.x = training && checks.plan().training() ? x : null;
            this.frames = frames;
            this.batch = batch;
            return y;
        }
    }

    /** Once for each forward: an op may overwrite what it kept. */
    @Override
    public final Tensor backward(Tensor dy) {
        synchronized (checks.guard()) {
            requireUsable();
            if (x == null) {
                throw checks.outOfOrder(checks.plan().training()
                        ? "needs a forward pass in training before each backward"
                        : "was not planned for training and has no backward");
            }
            checks.guard().require(x, checks.name() + "'s input of the forward pass");
            checks.guard().require(dy, checks.name() + "'s output gradient");
            checks.requireValues(dy, "output gradient", checks.output(), frames, batch);
            x = null;
            return op.backward(dy);
        }
    }

    @Override
    public final void close() {
        synchronized (checks.guard()) {
            if (!closed) {
                closed = true;
                checks.guard().addClose();
                op.close();
            }
        }
    }
}
