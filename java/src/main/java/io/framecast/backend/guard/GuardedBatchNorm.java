package io.framecast.backend.guard;

import io.framecast.backend.BatchNormOp;

/** A batch normalisation whose calls are checked before they are made. */
final class GuardedBatchNorm extends GuardedOp<BatchNormOp> implements BatchNormOp {

    GuardedBatchNorm(OpChecks checks, BatchNormOp op) {
        super(checks, op);
    }

    @Override
    public void setPadding(boolean padding) {
        synchronized (calls.guard()) {
            calls.beforeSetting();
            op.setPadding(padding);
        }
    }
}
