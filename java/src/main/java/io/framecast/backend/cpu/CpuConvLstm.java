package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuBackend.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;
import org.bytedeco.javacpp.FloatPointer;

/** See native/cpu/convlstm.h. */
final class CpuConvLstm implements ConvLstmOp {

    /** The constructors of the ways to compute it. */
    private interface Maker {
        NativeCpu.ConvLstm make(NativeCpu.Device device, NativeCpu.ConvolutionShape input, int activation,
                int recurrentActivation, int frames, int batch, boolean training, boolean inputGradient,
                FloatPointer kernel, FloatPointer recurrentKernel, FloatPointer bias, FloatPointer kernelGradient,
                FloatPointer recurrentKernelGradient, FloatPointer biasGradient);
    }

    private final NativeCpu.ConvLstm op;
    private final long inputSize;
    private final long outputSize;
    private long images;

    CpuConvLstm(NativeCpu.Device device, ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel,
            Weights bias) {
        try (NativeCpu.ConvolutionShape shape = new NativeCpu.ConvolutionShape()) {
            shape.height(spec.height());
            shape.width(spec.width());
            shape.inputs(spec.channels());
            shape.outputs(4 * spec.filters());
            shape.kernel_height(spec.kernelHeight());
            shape.kernel_width(spec.kernelWidth());
            shape.stride_height(spec.strideHeight());
            shape.stride_width(spec.strideWidth());
            shape.dilation_height(spec.dilationHeight());
            shape.dilation_width(spec.dilationWidth());
            shape.same(spec.same());
            Maker way = NativeCpu.WinogradConvLstm.serves(device, shape) ? NativeCpu.WinogradConvLstm::new
                    : NativeCpu.DirectConvLstm::new;
            op = call(() -> way.make(device, shape, spec.activation().ordinal(),
                    spec.recurrentActivation().ordinal(), plan.frames(), plan.batch(), plan.training(),
                    plan.inputGradient(), pointer(kernel.value()),
                    pointer(recurrentKernel.value()), pointer(bias.value()), pointer(kernel.gradient()),
                    pointer(recurrentKernel.gradient()), pointer(bias.gradient())));
            outputSize = shape.output_size() / 4;
        }
        inputSize = (long) spec.height() * spec.width() * spec.channels();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        images = (long) frames * batch;
        return CpuTensor.view(call(() -> op.forward(pointer(x), frames, batch)), images * outputSize);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return CpuTensor.view(call(() -> op.backward(pointer(dy))), images * inputSize);
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        return CpuTensor.view(call(() -> op.step(pointer(x), frames, batch, commit)),
                (long) frames * batch * outputSize);
    }

    @Override
    public void close() {
        op.close();
    }
}
