package io.framecast.backend.guard;

import io.framecast.backend.AdamOp;
import io.framecast.backend.Tensor;

/** Adam, used only while it and its parameters are open. */
final class GuardedAdam extends GuardedResource implements AdamOp {

    private final Tensor parameters;
    private final Tensor gradients;
    private final AdamOp op;

    GuardedAdam(OpGuard guard, Tensor parameters, Tensor gradients, AdamOp op) {
        super(guard, "Adam", op::close);
        this.parameters = parameters;
        this.gradients = gradients;
        this.op = op;
    }

    @Override
    public void setAlpha(double alpha) {
        synchronized (guard) {
            requireOpen();
            op.setAlpha(alpha);
        }
    }

    @Override
    public void update() {
        synchronized (guard) {
            requireOpen();
            guard.require(parameters, "Adam's parameters");
            guard.require(gradients, "Adam's gradients");
            op.update();
        }
    }

    @Override
    public Tensor m() {
        synchronized (guard) {
            requireOpen();
            return op.m();
        }
    }

    @Override
    public Tensor v() {
        synchronized (guard) {
            requireOpen();
            return op.v();
        }
    }
}
