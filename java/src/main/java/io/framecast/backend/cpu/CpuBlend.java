package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.BlendOp;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/pointwise.h. */
final class CpuBlend implements BlendOp {

    private final CpuOps ops;
    private final Tensor rates;

    CpuBlend(CpuOps ops, int rows) {
        this.ops = ops;
        this.rates = ops.zeros(rows);
    }

    @Override
    public void setRates(float[] values) {
        rates.write(values);
    }

    @Override
    public void blend(Tensor x, Tensor y, int from, int rows) {
        NativeCpu.blend(ops.device(), pointer(x), pointer(y), y.size(), pointer(rates.slice(from, rows)), rows);
    }

    @Override
    public void close() {
        rates.close();
    }
}
