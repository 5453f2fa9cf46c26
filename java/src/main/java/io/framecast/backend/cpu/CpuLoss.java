package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/pointwise.h. */
final class CpuLoss implements LossOp {

    private final CpuOps ops;
    private final Loss loss;
    private final Tensor gradient;
    private double value;

    CpuLoss(CpuOps ops, Loss loss, long size) {
        this.ops = ops;
        this.loss = loss;
        this.gradient = ops.zeros(size);
    }

    @Override
    public void forward(Tensor outputs, Tensor targets, long size, double weight,
            boolean withGradient) {
        value = call(() -> NativeCpu.loss(ops.device(), loss.name(), pointer(outputs), pointer(targets), size,
                weight, withGradient ? pointer(gradient) : null));
    }

    @Override
    public double value() {
        return value;
    }

    @Override
    public Tensor gradient() {
        return gradient;
    }

    @Override
    public void close() {
        gradient.close();
    }
}
