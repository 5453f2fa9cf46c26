package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;

/** See native/cpu/convlstm.h. */
final class CpuConvLstm implements ConvLstmOp {

    private final CpuOps ops;
    private final NativeCpu.ConvLstm op;
    private final long inputSize;
    private final long outputSize;
    private long images;

    CpuConvLstm(CpuOps ops, ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias) {
        this.ops = ops;
        try (NativeCpu.ConvLstmPlan nativePlan = new NativeCpu.ConvLstmPlan()) {
            NativeCpu.ConvolutionShape input = nativePlan.input();
            input.height(spec.height());
            input.width(spec.width());
            input.inputs(spec.channels());
            input.outputs(ConvLstmSpec.GATES * spec.filters());
            input.kernel_height(spec.kernelHeight());
            input.kernel_width(spec.kernelWidth());
            input.stride_height(spec.strideHeight());
            input.stride_width(spec.strideWidth());
            input.dilation_height(spec.dilationHeight());
            input.dilation_width(spec.dilationWidth());
            input.same(spec.same());
            nativePlan.set_activations(spec.activation().name(), spec.recurrentActivation().name());
            nativePlan.frames(plan.frames());
            nativePlan.batch(plan.batch());
            nativePlan.training(plan.training());
            nativePlan.input_gradient(plan.inputGradient());
            nativePlan.kernel(pointer(kernel.value()));
            nativePlan.recurrent_kernel(pointer(recurrentKernel.value()));
            nativePlan.bias(pointer(bias.value()));
            nativePlan.kernel_gradient(pointer(kernel.gradient()));
            nativePlan.recurrent_kernel_gradient(pointer(recurrentKernel.gradient()));
            nativePlan.bias_gradient(pointer(bias.gradient()));
            op = call(() -> NativeCpu.WinogradConvLstm.serves(ops.device(), input, plan.training())
                    ? new NativeCpu.WinogradConvLstm(ops.device(), nativePlan)
                    : new NativeCpu.DirectConvLstm(ops.device(), nativePlan));
            outputSize = input.output_size() / ConvLstmSpec.GATES;
        }
        inputSize = (long) spec.height() * spec.width() * spec.channels();
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
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        return ops.view(op, call(() -> op.step(pointer(x), frames, batch, commit)),
                (long) frames * batch * outputSize);
    }

    @Override
    public void close() {
        op.close();
    }
}
