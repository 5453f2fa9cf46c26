package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.AdamOp;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/pointwise.h. */
final class CpuAdam implements AdamOp {

    private final CpuOps ops;
    private final Tensor parameters;
    private final Tensor gradients;
    private final Tensor averages;
    private final Tensor m;
    private final Tensor v;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private double alpha;

    CpuAdam(CpuOps ops, Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        this.ops = ops;
        this.parameters = parameters;
        this.gradients = gradients;
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
        this.averages = ops.zeros(2 * parameters.size());
        this.m = averages.slice(0, parameters.size());
        this.v = averages.slice(parameters.size(), parameters.size());
    }

    @Override
    public void setAlpha(double alpha) {
        this.alpha = alpha;
    }

    @Override
    public void update() {
        NativeCpu.adam(ops.device(), pointer(parameters), pointer(gradients), pointer(m), pointer(v), parameters.size(),
                alpha, beta1, beta2, epsilon);
    }

    @Override
    public Tensor m() {
        return m;
    }

    @Override
    public Tensor v() {
        return v;
    }

    @Override
    public void close() {
        averages.close();
    }
}
