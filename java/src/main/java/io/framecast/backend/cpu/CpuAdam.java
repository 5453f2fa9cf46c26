package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.AdamOp;
import io.framecast.backend.Tensor;

/** See native/cpu/pointwise.h. */
final class CpuAdam implements AdamOp {

    private final NativeCpu.Device device;
    private final Tensor parameters;
    private final Tensor gradients;
    private final Tensor averages;
    private final Tensor m;
    private final Tensor v;

    CpuAdam(NativeCpu.Device device, Tensor parameters, Tensor gradients) {
        this.device = device;
        this.parameters = parameters;
        this.gradients = gradients;
        this.averages = CpuTensor.allocate(device, 2 * parameters.size());
        this.m = averages.slice(0, parameters.size());
        this.v = averages.slice(parameters.size(), parameters.size());
    }

    @Override
    public void update(double alpha, double beta1, double beta2, double epsilon) {
        NativeCpu.adam(device, pointer(parameters), pointer(gradients), pointer(m), pointer(v), parameters.size(),
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
