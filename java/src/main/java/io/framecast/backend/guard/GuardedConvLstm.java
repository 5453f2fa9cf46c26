package io.framecast.backend.guard;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Tensor;
import java.util.Collections;

/** A ConvLSTM whose calls are checked before they are made. */
final class GuardedConvLstm extends GuardedOp<ConvLstmOp> implements ConvLstmOp {

    GuardedConvLstm(OpChecks checks, ConvLstmOp op) {
        super(checks, op);
    }

    @Override
    public void begin() {
        synchronized (calls.guard()) {
            calls.beforeBegin();
            op.begin();
            calls.afterBegin();
        }
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        synchronized (calls.guard()) {
            calls.beforeStep(Collections.singletonList(x), frames, batch, commit);
            Tensor y = op.step(x, frames, batch, commit);
            calls.afterStep(batch, commit);
            return y;
        }
    }
}
