package io.framecast.backend.cuda.layer;

import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/**
 * Backpropagation through time. For each frame, from the last on, the gates' pass makes the gradient of z, and a
 * backward-data convolution adds to the gradient of the hidden state before. After the loop, each kernel's gradient is
 * one convolution over all frames.
 */
final class ConvLstmBackward {

    private final GateParameters parameters;
    private final ConvLstmForward forward;
    private final Weights kernel;
    private final Weights recurrentKernel;
    private final Weights bias;

    private final BiasGradient biasGradient;
    private final Region cellGradient;
    /** Null: gradient of the input not computed. */
    private final Region dx;

    ConvLstmBackward(CudaOps ops, OpResources resources, Plan plan, GateParameters parameters,
            ConvLstmForward forward, Weights kernel, Weights recurrentKernel, Weights bias) {
        this.parameters = parameters;
        this.forward = forward;
        this.kernel = kernel;
        this.recurrentKernel = recurrentKernel;
        this.bias = bias;
        ConvolutionShape shape = forward.shape();
        long images = (long) plan.frames() * plan.batch();
        biasGradient = new BiasGradient(ops, resources, images * shape.outPixels(), shape.outputs(), true);
        cellGradient = resources.perVideo(plan.batch() * forward.sequence().units());
        dx = plan.inputGradient() ? resources.perVideo(images * shape.inputSize()) : null;
    }

    /**
     * Computes all gradients.
     *
     * @param x the input of the forward pass
     * @param dHidden the gradient of its hidden states, which is overwritten
     * @return the gradient of the input; null: not computed
     */
    Region run(DeviceMemory x, DeviceMemory dHidden, int frames, int batch) {
        throughTime(dHidden, frames, batch);
        ConvLstmSequence sequence = forward.sequence();
        DeviceMemory dz = sequence.gates(0, frames, batch);
        int images = frames * batch;
        forward.input().backwardWeights(images, x, dz, CudaOps.memory(kernel.gradient()));
        DeviceMemory recurrentGradient = CudaOps.memory(recurrentKernel.gradient());
        if (frames > 1) {
            // The hidden states of frames 0..T-2 with the gradients of z of frames 1..T-1.
            forward.recurrent().backwardWeights(images - batch, sequence.hidden(0, frames - 1, batch),
                    sequence.gates(1, frames - 1, batch), recurrentGradient);
        } else {
            recurrentGradient.clear();
        }
        biasGradient.run(dz, images * forward.shape().outPixels(), CudaOps.memory(bias.gradient()));
        if (dx != null) {
            forward.input().backwardData(images, dz, parameters.kernel(), dx.memory(), false);
        }
        return dx;
    }

    /** Replaces the activated gates by the gradient of z, frame by frame. */
    private void throughTime(DeviceMemory dHidden, int frames, int batch) {
        ConvLstmSequence sequence = forward.sequence();
        long n = batch * sequence.units();
        DeviceMemory dCell = cellGradient.memory();
        for (int t = frames - 1; t >= 0; t--) {
            DeviceMemory gates = sequence.gates(t, 1, batch);
            DeviceMemory cellBefore = t > 0 ? sequence.cell(t - 1, batch) : null;
            forward.pass().backward(n, gates, cellBefore, sequence.cell(t, batch), frame(dHidden, t, n),
                    t < frames - 1 ? dCell : null, t > 0 ? dCell : null);
            if (t > 0) {
                forward.recurrent().backwardData(batch, gates, parameters.recurrentKernel(),
                        frame(dHidden, t - 1, n), true);
            }
        }
    }

    private static DeviceMemory frame(DeviceMemory all, int t, long n) {
        return all.view(Float.BYTES * t * n, Float.BYTES * n);
    }
}
