package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/windows.h. */
final class CpuPooling implements Op {

    private final CpuOps ops;
    private final PoolingSpec spec;
    private final NativeCpu.PoolingShape shape;
    private final CpuTensors memory;
    private final Tensor y;
    /** Null: gradient of the input not computed. */
    private final Tensor dx;
    private Tensor x;
    private int images;

    CpuPooling(CpuOps ops, PoolingSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        memory = new CpuTensors(ops);
        long most = (long) plan.frames() * plan.batch();
        y = memory.zeros(most * outputSize());
        dx = plan.training() && plan.inputGradient() ? memory.zeros(most * inputSize()) : null;
        shape = new NativeCpu.PoolingShape();
        shape.height(spec.height());
        shape.width(spec.width());
        shape.channels(spec.channels());
        shape.out_height(spec.outHeight());
        shape.out_width(spec.outWidth());
        shape.pool_height(spec.poolHeight());
        shape.pool_width(spec.poolWidth());
        shape.stride_height(spec.strideHeight());
        shape.stride_width(spec.strideWidth());
        shape.pad_top(spec.padTop());
        shape.pad_left(spec.padLeft());
    }

    private long inputSize() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    private long outputSize() {
        return (long) spec.outHeight() * spec.outWidth() * spec.channels();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        images = frames * batch;
        NativeCpu.pool(ops.device(), shape, spec.max(), pointer(x), pointer(y), images);
        return y.slice(0, images * outputSize());
    }

    @Override
    public Tensor backward(Tensor dy) {
        if (dx == null) {
            return null;
        }
        NativeCpu.pool_backward(ops.device(), shape, spec.max(), pointer(x), pointer(dy), pointer(dx), images);
        return dx.slice(0, images * inputSize());
    }

    @Override
    public void close() {
        memory.close();
        shape.close();
    }
}
