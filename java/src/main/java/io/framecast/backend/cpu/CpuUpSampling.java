package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/windows.h. */
final class CpuUpSampling implements Op {

    private final CpuOps ops;
    private final UpSamplingSpec spec;
    private final CpuTensors memory;
    private final Tensor y;
    /** Null: gradient of the input not computed. */
    private final Tensor dx;
    private int images;

    CpuUpSampling(CpuOps ops, UpSamplingSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        memory = new CpuTensors(ops);
        long most = (long) plan.frames() * plan.batch();
        y = memory.zeros(most * outputSize());
        dx = plan.training() && plan.inputGradient() ? memory.zeros(most * inputSize()) : null;
    }

    private long inputSize() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    private long outputSize() {
        return inputSize() * spec.scaleHeight() * spec.scaleWidth();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        images = frames * batch;
        NativeCpu.up_sample(ops.device(), spec.height(), spec.width(), spec.channels(), spec.scaleHeight(),
                spec.scaleWidth(), spec.bilinear(), pointer(x), pointer(y), images);
        return y.slice(0, images * outputSize());
    }

    @Override
    public Tensor backward(Tensor dy) {
        if (dx == null) {
            return null;
        }
        NativeCpu.up_sample_backward(ops.device(), spec.height(), spec.width(), spec.channels(), spec.scaleHeight(),
                spec.scaleWidth(), spec.bilinear(), pointer(dy), pointer(dx), images);
        return dx.slice(0, images * inputSize());
    }

    @Override
    public void close() {
        memory.close();
    }
}
