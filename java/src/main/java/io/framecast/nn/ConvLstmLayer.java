package io.framecast.nn;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Tensor;
import java.util.Collections;
import java.util.List;

/**
 * Keeps the state after the last settled frame. Later frames can still change: they are computed from this state, and
 * the state that follows from them is not kept.
 */
record ConvLstmLayer(ConvLstmOp op) implements Layer {

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        return op.forward(inputs.get(0), frames, batch, training);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        return Collections.singletonList(op.backward(dy));
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(List<Tensor> tails, int count, int batch, int settled) {
        return op.step(tails.get(0), count, batch, settled);
    }

    @Override
    public void close() {
        op.close();
    }
}
