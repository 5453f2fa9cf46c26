package io.framecast.backend.guard;

import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** An op of several inputs whose calls are checked before they are made. */
final class GuardedMultiInputOp implements MultiInputOp {

    private final OpCalls calls;
    private final MultiInputOp op;

    GuardedMultiInputOp(OpChecks checks, MultiInputOp op) {
        this.calls = new OpCalls(checks);
        this.op = op;
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        synchronized (calls.guard()) {
            List<Tensor> checked = copy(inputs);
            calls.beforeForward(checked, frames, batch);
            Tensor y = op.forward(checked, frames, batch, training);
            calls.afterForward(checked, frames, batch, training);
            return y;
        }
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        synchronized (calls.guard()) {
            calls.beforeBackward(dy);
            return op.backward(dy);
        }
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
    public Tensor step(List<Tensor> inputs, int frames, int batch, int commit) {
        synchronized (calls.guard()) {
            List<Tensor> checked = copy(inputs);
            calls.beforeStep(checked, frames, batch, commit);
            Tensor y = op.step(checked, frames, batch, commit);
            calls.afterStep(batch, commit);
            return y;
        }
    }

    /** The list itself may be changed by the caller. */
    private static List<Tensor> copy(List<Tensor> inputs) {
        return inputs == null ? null : Collections.unmodifiableList(new ArrayList<>(inputs));
    }

    @Override
    public void close() {
        synchronized (calls.guard()) {
            if (calls.beforeClose()) {
                op.close();
            }
        }
    }
}
