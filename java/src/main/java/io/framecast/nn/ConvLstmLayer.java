package io.framecast.nn;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Tensor;

/**
 * Keeps the state after the last settled frame. Later frames can still change: they are computed from this state, and
 * the state that follows from them is not kept.
 */
record ConvLstmLayer(ConvLstmOp op) implements Layer {

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        return op.forward(x, frames, batch, training);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return op.backward(dy);
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(Tensor tail, int count, int batch, boolean settled) {
        return op.step(tail, count, batch, settled ? 1 : 0);
    }

    @Override
    public void close() {
        op.close();
    }
}
