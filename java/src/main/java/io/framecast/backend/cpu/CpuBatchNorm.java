package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/batch_norm.h. */
final class CpuBatchNorm implements Op {

    private final CpuOps ops;
    private final NativeCpu.BatchNorm op;
    private final int channels;
    private final long pixels;
    private long rows;

    CpuBatchNorm(CpuOps ops, BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        this.ops = ops;
        channels = spec.channels();
        pixels = (long) spec.height() * spec.width();
        op = call(() -> new NativeCpu.BatchNorm(ops.device(), pixels * plan.frames() * plan.batch(), channels, spec.epsilon(),
                spec.momentum(), pointer(gamma.value()), pointer(beta.value()), pointer(movingMean),
                pointer(movingVariance), pointer(gamma.gradient()), pointer(beta.gradient())));
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        rows = pixels * frames * batch;
        return ops.view(op, call(() -> op.forward(pointer(x), rows, training)), rows * channels);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return ops.view(op, call(() -> op.backward(pointer(dy))), rows * channels);
    }

    @Override
    public void close() {
        op.close();
    }
}
