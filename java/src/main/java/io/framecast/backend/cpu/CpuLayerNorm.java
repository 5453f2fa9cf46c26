package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/layer_norm.h. Backward overwrites the output's gradient with the input's. */
final class CpuLayerNorm implements Op {

    private final CpuOps ops;
    private final LayerNormSpec spec;
    private final Weights gamma;
    private final Weights beta;
    private final Tensor y;
    private Tensor x;
    private long rows;

    CpuLayerNorm(CpuOps ops, LayerNormSpec spec, Plan plan, Weights gamma, Weights beta) {
        this.ops = ops;
        this.spec = spec;
        this.gamma = gamma;
        this.beta = beta;
        y = ops.zeros(rows(plan.frames(), plan.batch()) * spec.channels());
    }

    private long rows(int frames, int batch) {
        return (long) spec.height() * spec.width() * frames * batch;
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        rows = rows(frames, batch);
        NativeCpu.layer_norm(ops.device(), pointer(x), pointer(gamma.value()), pointer(beta.value()), pointer(y), rows,
                spec.channels(), spec.epsilon());
        return y.slice(0, rows * spec.channels());
    }

    @Override
    public Tensor backward(Tensor dy) {
        NativeCpu.layer_norm_backward(ops.device(), pointer(x), pointer(gamma.value()), pointer(dy),
                pointer(gamma.gradient()), pointer(beta.gradient()), rows, spec.channels(), spec.epsilon());
        return dy.slice(0, rows * spec.channels());
    }

    @Override
    public void close() {
        y.close();
    }
}
