package io.framecast.nn;

import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Tensor;
import java.util.List;

/** A layer of several inputs. As {@link ConvLstmLayer} it keeps the state, if any, after the last settled frame. */
record MultiInputLayer(MultiInputOp op) implements Layer {

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        return op.forward(inputs, frames, batch, training);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        return op.backward(dy);
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(List<Tensor> tails, int count, int batch, int settled) {
        return op.step(tails, count, batch, settled);
    }

    @Override
    public void close() {
        op.close();
    }
}
