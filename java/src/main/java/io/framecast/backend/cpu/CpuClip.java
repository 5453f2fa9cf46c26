package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.ClipOp;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/pointwise.h. */
record CpuClip(CpuOps ops, Tensor gradients, double norm) implements ClipOp {

    @Override
    public void clip() {
        NativeCpu.clip(ops.device(), pointer(gradients), gradients.size(), norm);
    }

    @Override
    public void close() {
        // It has no memory.
    }
}
