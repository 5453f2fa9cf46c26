package io.framecast.backend.guard;

import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;

/** A loss whose calls are checked before they are made. */
final class GuardedLoss extends GuardedResource implements LossOp {

    private final long planned;
    private final LossOp op;
    private boolean computed;

    /** @param planned the most elements */
    GuardedLoss(OpGuard guard, long planned, LossOp op) {
        super(guard, "The loss", op::close);
        this.planned = planned;
        this.op = op;
    }

    @Override
    public void forward(Tensor outputs, Tensor targets, long size, double weight, boolean gradient) {
        synchronized (guard) {
            requireOpen();
            guard.require(outputs, "The loss's outputs");
            guard.require(targets, "The loss's targets");
            if (size < 1 || size > planned) {
                throw new IllegalArgumentException("The loss was planned for up to " + planned
                        + " elements and was given " + size + ".");
            }
            if (!(weight >= 0 && weight <= 1)) {
                throw new IllegalArgumentException("The loss was given a weight of " + weight
                        + "; it must be from 0 to 1.");
            }
            if (outputs.size() < size || targets.size() < size) {
                throw new IllegalArgumentException("The loss of " + size + " elements was given " + outputs.size()
                        + " outputs and " + targets.size() + " targets.");
            }
            op.forward(outputs, targets, size, weight, gradient);
            computed = true;
        }
    }

    @Override
    public double value() {
        synchronized (guard) {
            requireOpen();
            if (!computed) {
                throw new IllegalStateException("The loss has no value before its first forward pass.");
            }
            return op.value();
        }
    }

    @Override
    public Tensor gradient() {
        synchronized (guard) {
            requireOpen();
            return op.gradient();
        }
    }
}
