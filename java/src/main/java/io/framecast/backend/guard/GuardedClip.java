package io.framecast.backend.guard;

import io.framecast.backend.ClipOp;
import io.framecast.backend.Tensor;

/** A clip by norm, used only while it and its gradients are open. */
final class GuardedClip implements ClipOp {

    private final OpGuard guard;
    private final Tensor gradients;
    private final ClipOp op;
    private boolean closed;

    GuardedClip(OpGuard guard, Tensor gradients, ClipOp op) {
        this.guard = guard;
        this.gradients = gradients;
        this.op = op;
    }

    @Override
    public void clip() {
        synchronized (guard) {
            guard.requireOpen();
            if (closed) {
                throw new IllegalStateException("The clip is closed.");
            }
            guard.require(gradients, "The gradients to clip");
            op.clip();
        }
    }

    @Override
    public void close() {
        synchronized (guard) {
            if (!closed) {
                closed = true;
                guard.addClose();
                op.close();
            }
        }
    }
}
