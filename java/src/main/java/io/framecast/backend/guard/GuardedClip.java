package io.framecast.backend.guard;

import io.framecast.backend.ClipOp;
import io.framecast.backend.Tensor;

/** A clip by norm, used only while it and its gradients are open. */
final class GuardedClip extends GuardedResource implements ClipOp {

    private final Tensor gradients;
    private final ClipOp op;

    GuardedClip(OpGuard guard, Tensor gradients, ClipOp op) {
        super(guard, "The clip", op::close);
        this.gradients = gradients;
        this.op = op;
    }

    @Override
    public void clip() {
        synchronized (guard) {
            requireOpen();
            guard.require(gradients, "The gradients to clip");
            op.clip();
        }
    }
}
