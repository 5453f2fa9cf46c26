package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/conv3d.h. */
final class CpuConv3d implements Op {

    private final CpuOps ops;
    private final NativeCpu.Conv3d op;
    private final long inputSize;
    private final long outputSize;
    private long images;

    CpuConv3d(CpuOps ops, Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        this.ops = ops;
        try (NativeCpu.ConvolutionShape shape = new NativeCpu.ConvolutionShape()) {
            shape.height(spec.height());
            shape.width(spec.width());
            shape.inputs(spec.channels());
            shape.outputs(spec.filters());
            shape.kernel_height(spec.kernelHeight());
            shape.kernel_width(spec.kernelWidth());
            shape.stride_height(spec.strideHeight());
            shape.stride_width(spec.strideWidth());
            shape.dilation_height(spec.dilationHeight());
            shape.dilation_width(spec.dilationWidth());
            shape.same(spec.same());
            op = call(() -> new NativeCpu.Conv3d(ops.device(), shape, spec.kernelFrames(), spec.activation().name(),
                    plan.frames(), plan.batch(), plan.training(), plan.inputGradient(), pointer(kernel.value()),
                    pointer(bias.value()), pointer(kernel.gradient()), pointer(bias.gradient())));
        }
        inputSize = (long) spec.height() * spec.width() * spec.channels();
        outputSize = (long) spec.outHeight() * spec.outWidth() * spec.filters();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        images = (long) frames * batch;
        return ops.view(op, call(() -> op.forward(pointer(x), frames, batch)), images * outputSize);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return ops.view(op, call(() -> op.backward(pointer(dy))), images * inputSize);
    }

    @Override
    public void close() {
        op.close();
    }
}
