package io.framecast.backend.guard;

import io.framecast.backend.MuonOp;
import io.framecast.backend.Tensor;

/** Muon, used only while it and its parameters are open. */
final class GuardedMuon extends GuardedResource implements MuonOp {

    private final Tensor parameters;
    private final Tensor gradients;
    private final MuonOp op;

    GuardedMuon(OpGuard guard, Tensor parameters, Tensor gradients, MuonOp op) {
        super(guard, "Muon", op::close);
        this.parameters = parameters;
        this.gradients = gradients;
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
        synchronized (guard) {
            requireOpen();
            guard.require(parameters, "Muon's parameters");
            guard.require(gradients, "Muon's gradients");
            op.update();
        }
    }

    @Override
    public Tensor momentum() {
        synchronized (guard) {
            requireOpen();
            return op.momentum();
        }
    }
}
