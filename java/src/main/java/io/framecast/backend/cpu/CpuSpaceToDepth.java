package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/pointwise.h. */
final class CpuSpaceToDepth implements Op {

    private final CpuOps ops;
    private final NativeCpu.SpaceToDepth op;
    private final long imageSize;
    private int images;

    CpuSpaceToDepth(CpuOps ops, SpaceToDepthSpec spec, Plan plan) {
        this.ops = ops;
        imageSize = (long) spec.height() * spec.width() * spec.channels();
        op = call(() -> new NativeCpu.SpaceToDepth(ops.device(), Math.multiplyExact(plan.frames(), plan.batch()),
                spec.height(), spec.width(), spec.channels(), spec.block(), spec.inverse(),
                plan.training() && plan.inputGradient()));
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        images = frames * batch;
        return ops.view(op, call(() -> op.forward(pointer(x), images)), images * imageSize);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return ops.view(op, call(() -> op.backward(pointer(dy))), images * imageSize);
    }

    @Override
    public void close() {
        op.close();
    }
}
