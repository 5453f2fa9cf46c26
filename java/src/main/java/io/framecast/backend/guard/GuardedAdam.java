package io.framecast.backend.guard;

import io.framecast.backend.AdamOp;
import io.framecast.backend.Tensor;

/** Adam, used only while it and its parameters are open. */
final class GuardedAdam extends GuardedOptimizer implements AdamOp {

    private final AdamOp op;

    GuardedAdam(OpGuard guard, Tensor parameters, Tensor gradients, AdamOp op) {
        super(guard, "Adam", parameters, gradients, op::close);
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
        update(op::update);
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
