package io.framecast.backend.cpu;

import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The tensors of an op that is written in Java, closed together. */
final class CpuTensors implements AutoCloseable {

    private final CpuOps ops;
    private final List<Tensor> tensors = new ArrayList<>();

    CpuTensors(CpuOps ops) {
        this.ops = ops;
    }

    /** A tensor of zeros. If there is no memory for it, those before it are closed. */
    Tensor zeros(long size) {
        try {
            Tensor tensor = ops.zeros(size);
            tensors.add(tensor);
            return tensor;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    @Override
    public void close() {
        tensors.forEach(Tensor::close);
    }
}
