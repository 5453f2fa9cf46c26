package io.framecast.backend.cuda.layer;

import static io.framecast.backend.ConvLstmSpec.GATES;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.convolution.RecurrentStep;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * The forward pass of a ConvLSTM: the input convolution once over all frames; then for each frame one launch, the
 * recurrent convolution with the gates as its epilogue (cuda-kernels/convlstm_step.cu), or two, if the family of
 * convolutions has no such kernel (cuda-kernels/gates.cu after the convolution).
 */
final class ConvLstmForward {

    private final ConvLstmSpec spec;
    private final GateParameters parameters;
    private final ConvolutionShape shape;
    private final CudaConvolution input;
    private final CudaConvolution recurrent;
    /** Null: the recurrent convolution and the gates are two launches. */
    private final RecurrentStep step;
    private final GatePass pass;
    private final ConvLstmSequence sequence;

    ConvLstmForward(CudaOps ops, OpResources resources, ConvolutionFamily convolutions, ConvLstmSpec spec, Plan plan,
            GateParameters parameters) {
        this.spec = spec;
        this.parameters = parameters;
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        int outputs = Math.multiplyExact(GATES, spec.filters());
        shape = new ConvolutionShape(spec.height(), spec.width(), spec.channels(), outputs, spec.kernelHeight(),
                spec.kernelWidth(), spec.strideHeight(), spec.strideWidth(), spec.dilationHeight(),
                spec.dilationWidth(), spec.same());
        ConvolutionShape recurrentShape = ConvolutionShape.same(shape.outHeight(), shape.outWidth(), spec.filters(),
                outputs, spec.kernelHeight(), spec.kernelWidth());
        input = resources.own(convolutions.make(shape, true, images, images, plan.training()));
        recurrent = resources.own(convolutions.make(recurrentShape, true, plan.batch(), images, plan.training()));
        step = convolutions.recurrentStep(recurrentShape, plan.batch()).orElse(null);
        pass = new GatePass(ops, spec);
        sequence = ConvLstmSequence.plan(resources, plan, (long) shape.outPixels() * spec.filters());
    }

    /** The shape of the input convolution. */
    ConvolutionShape shape() {
        return shape;
    }

    CudaConvolution input() {
        return input;
    }

    CudaConvolution recurrent() {
        return recurrent;
    }

    GatePass pass() {
        return pass;
    }

    /** What {@link #run} computed. */
    ConvLstmSequence sequence() {
        return sequence;
    }

    /**
     * Computes the sequence.
     *
     * @param state what the frames begin from; null: zero
     * @param commit after how many of the frames it is replaced; 0: it is not
     */
    void run(DeviceMemory x, int frames, int batch, ConvLstmState state, int commit) {
        input.forward(frames * batch, x, parameters.kernel(), parameters.bias(), sequence.gates(0, frames, batch),
                false);
        for (int t = 0; t < frames; t++) {
            if (t > 0) {
                frame(t, batch, sequence.hidden(t - 1, 1, batch), sequence.cell(t - 1, batch));
            } else if (state != null && state.isSet()) {
                frame(t, batch, state.hidden(batch), state.cell(batch));
            } else {
                gates(t, batch, null); // The hidden state before is zero, and so is its convolution.
            }
            if (t + 1 == commit) {
                state.set(sequence.hidden(t, 1, batch), sequence.cell(t, batch), batch);
            }
        }
    }

    private void frame(int t, int batch, DeviceMemory hiddenBefore, DeviceMemory cellBefore) {
        DeviceMemory z = sequence.gates(t, 1, batch);
        if (step != null) {
            step.launch(batch, hiddenBefore, parameters.recurrentKernel(), z, cellBefore, activated(z),
                    sequence.cell(t, batch), sequence.hidden(t, 1, batch), spec.activation(),
                    spec.recurrentActivation());
        } else {
            recurrent.forward(batch, hiddenBefore, parameters.recurrentKernel(), null, z, true);
            gates(t, batch, cellBefore);
        }
    }

    private void gates(int t, int batch, DeviceMemory cellBefore) {
        DeviceMemory z = sequence.gates(t, 1, batch);
        pass.forward(batch * sequence.units(), z, cellBefore, activated(z), sequence.cell(t, batch),
                sequence.hidden(t, 1, batch));
    }

    /** Where the activated gates go: in place of z, if backward needs them. */
    private DeviceMemory activated(DeviceMemory z) {
        return sequence.training() ? z : null;
    }
}
