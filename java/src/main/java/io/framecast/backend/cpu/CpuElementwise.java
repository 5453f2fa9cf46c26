package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/elementwise.h. Backward overwrites the output's gradient with the input's. */
final class CpuElementwise implements Op {

    private final CpuOps ops;
    private final ElementwiseSpec spec;
    private final boolean inputGradient;
    private final Tensor y;
    private Tensor x;
    private long size;

    CpuElementwise(CpuOps ops, ElementwiseSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        inputGradient = plan.inputGradient();
        y = ops.zeros(size(plan.frames(), plan.batch()));
    }

    private long size(int frames, int batch) {
        return (long) spec.height() * spec.width() * spec.channels() * frames * batch;
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        size = size(frames, batch);
        NativeCpu.elementwise(ops.device(), spec.function().name(), spec.alpha(), spec.beta(), pointer(x), pointer(y),
                size);
        return y.slice(0, size);
    }

    @Override
    public Tensor backward(Tensor dy) {
        if (!inputGradient) {
            return null;
        }
        NativeCpu.elementwise_backward(ops.device(), spec.function().name(), spec.alpha(), pointer(x), pointer(dy),
                size);
        return dy.slice(0, size);
    }

    @Override
    public void close() {
        y.close();
    }
}
