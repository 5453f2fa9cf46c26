package io.framecast.backend.guard;

import io.framecast.backend.BlendOp;
import io.framecast.backend.Tensor;
import java.util.Objects;

/** A blend whose calls are checked before they are made. */
final class GuardedBlend extends GuardedResource implements BlendOp {

    private final int planned;
    private final BlendOp op;

    /** @param planned the number of rates */
    GuardedBlend(OpGuard guard, int planned, BlendOp op) {
        super(guard, "The blend", op::close);
        this.planned = planned;
        this.op = op;
    }

    @Override
    public void setRates(float[] rates) {
        synchronized (guard) {
            requireOpen();
            if (rates.length != planned) {
                throw new IllegalArgumentException("The blend was planned for " + planned + " rows and was given "
                        + rates.length + " rates.");
            }
            for (float rate : rates) {
                if (!(rate >= 0 && rate <= 1)) {
                    throw new IllegalArgumentException("A rate of a blend is " + rate + "; it must be from 0 to 1.");
                }
            }
            op.setRates(rates);
        }
    }

    @Override
    public void blend(Tensor x, Tensor y, int from, int rows) {
        synchronized (guard) {
            requireOpen();
            guard.require(x, "The values of a blend");
            guard.require(y, "The target of a blend");
            Objects.checkFromIndexSize(from, rows, planned);
            if (x.size() != y.size() || rows < 1 || x.size() % rows != 0) {
                throw new IllegalArgumentException("A blend of " + rows + " rows was given tensors of " + x.size()
                        + " and " + y.size() + " values.");
            }
            op.blend(x, y, from, rows);
        }
    }
}
