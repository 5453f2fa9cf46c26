package io.framecast.backend.guard;

import io.framecast.backend.MuonOp;
import io.framecast.backend.Tensor;

/** Muon, used only while it and its parameters are open. */
final class GuardedMuon extends GuardedOptimizer implements MuonOp {

    private final MuonOp op;

    GuardedMuon(OpGuard guard, Tensor parameters, Tensor gradients, MuonOp op) {
        super(guard, "Muon", parameters, gradients, op::close);
        this.op = op;
    }

    @Override
    public void setRate(double rate) {
        synchronized (guard) {
            requireOpen();
            op.setRate(rate);
        }
    }

    @Override
    public void update() {
        update(op::update);
    }

    @Override
    public Tensor momentum() {
        synchronized (guard) {
            requireOpen();
            return op.momentum();
        }
    }
}
