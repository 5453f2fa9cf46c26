package io.framecast.nn;

import io.framecast.backend.Op;
import io.framecast.backend.Tensor;

/** A layer that treats each frame separately. */
record OpLayer(Op op) implements Layer {

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
        // Frames are independent, so there is no state.
    }

    @Override
    public Tensor step(Tensor tail, int count, int batch, boolean settled) {
        return op.forward(tail, count, batch, false);
    }

    @Override
    public void close() {
        op.close();
    }
}
