package io.framecast.nn;

import io.framecast.backend.BatchNormOp;
import io.framecast.backend.Op;
import io.framecast.backend.Tensor;
import java.util.Collections;
import java.util.List;

/** A layer that treats each frame separately. */
record OpLayer(Op op) implements Layer {

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        return op.forward(inputs.get(0), frames, batch, training);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        return Collections.singletonList(op.backward(dy));
    }

    @Override
    public void setPadding(boolean padding) {
        if (op instanceof BatchNormOp batchNorm) {
            batchNorm.setPadding(padding);
        }
    }

    @Override
    public void begin() {
        // Frames are independent, so there is no state.
    }

    @Override
    public Tensor step(List<Tensor> tails, int count, int batch, int settled) {
        return op.forward(tails.get(0), count, batch, false);
    }

    @Override
    public void close() {
        op.close();
    }
}
