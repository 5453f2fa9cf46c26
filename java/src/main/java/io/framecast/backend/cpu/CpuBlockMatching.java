package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import org.bytedeco.javacpp.FloatPointer;

/** See native/cpu/block_matching.h. */
final class CpuBlockMatching implements ConvLstmOp {

    private final CpuOps ops;
    private final NativeCpu.BlockMatching op;
    private final long outputSize;

    CpuBlockMatching(CpuOps ops, BlockMatchingSpec spec, Plan plan) {
        this.ops = ops;
        outputSize = (long) spec.height() / spec.block() * (spec.width() / spec.block()) * BlockMatchingSpec.OUTPUTS;
        op = call(() -> new NativeCpu.BlockMatching(ops.device(), plan.frames(), plan.batch(), spec.height(),
                spec.width(), spec.channels(), spec.block(), spec.reach(), spec.window(), !plan.training()));
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        return view(call(() -> op.forward(pointer(x), frames, batch)), frames, batch);
    }

    /** There are no parameters. */
    @Override
    public Tensor backward(Tensor dy) {
        return null;
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        return view(call(() -> op.step(pointer(x), frames, batch, commit)), frames, batch);
    }

    private Tensor view(FloatPointer y, int frames, int batch) {
        return ops.view(op, y, (long) frames * batch * outputSize);
    }

    @Override
    public void close() {
        op.close();
    }
}
