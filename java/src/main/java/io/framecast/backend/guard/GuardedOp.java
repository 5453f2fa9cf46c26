package io.framecast.backend.guard;

import io.framecast.backend.Op;
import io.framecast.backend.Tensor;
import java.util.Collections;

/** An op whose calls are checked before they are made. */
class GuardedOp<T extends Op> implements Op {

    final OpCalls calls;
    final T op;

    GuardedOp(OpChecks checks, T op) {
        this.calls = new OpCalls(checks);
        this.op = op;
    }

    @Override
    public final Tensor forward(Tensor x, int frames, int batch, boolean training) {
        synchronized (calls.guard()) {
            calls.beforeForward(Collections.singletonList(x), frames, batch);
            Tensor y = op.forward(x, frames, batch, training);
            calls.afterForward(Collections.singletonList(x), frames, batch, training);
            return y;
        }
    }

    @Override
    public final Tensor backward(Tensor dy) {
        synchronized (calls.guard()) {
            calls.beforeBackward(dy);
            return op.backward(dy);
        }
    }

    @Override
    public final void close() {
        synchronized (calls.guard()) {
            if (calls.beforeClose()) {
                op.close();
            }
        }
    }
}
