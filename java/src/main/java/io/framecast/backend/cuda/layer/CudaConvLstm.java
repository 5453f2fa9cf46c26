package io.framecast.backend.cuda.layer;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/**
 * A ConvLSTM layer: over whole sequences, and frame by frame for rollout. On the device the four gates of a unit are
 * adjacent: z and the gates are (frames, batch, height, width, filters, gates), the weights (taps, inputs, filters,
 * gates).
 */
final class CudaConvLstm implements ConvLstmOp {

    private final CudaOps ops;
    private final OpResources resources;
    private final GateParameters parameters;
    private final ConvLstmForward forward;
    /** Only in training; else null. */
    private final ConvLstmBackward backward;
    /** Only for rollout; null in training. */
    private final ConvLstmState state;

    /** Of the last forward pass. */
    private DeviceMemory x;
    private int frames;
    private int batch;

    CudaConvLstm(CudaOps ops, ConvolutionFamily convolutions, ConvLstmSpec spec, Plan plan, Weights kernel,
            Weights recurrentKernel, Weights bias) {
        this.ops = ops;
        resources = new OpResources(ops.arena(), plan.batch());
        try {
            parameters = new GateParameters(ops, resources, spec.filters(), kernel, recurrentKernel, bias);
            forward = new ConvLstmForward(ops, resources, convolutions, spec, plan, parameters);
            backward = plan.training() ? new ConvLstmBackward(ops, resources, plan, parameters, forward, kernel,
                    recurrentKernel, bias) : null;
            state = plan.training() ? null
                    : new ConvLstmState(resources, plan.batch(), forward.sequence().units());
        } catch (RuntimeException e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    @Override
    public Tensor forward(Tensor input, int frames, int batch, boolean training) {
        parameters.update();
        x = CudaOps.memory(input);
        this.frames = frames;
        this.batch = batch;
        return run(x, frames, batch, null, 0);
    }

    @Override
    public void begin() {
        state.clear();
        parameters.update();
    }

    @Override
    public Tensor step(Tensor input, int frames, int batch, int commit) {
        return run(CudaOps.memory(input), frames, batch, state, commit);
    }

    private Tensor run(DeviceMemory input, int frames, int batch, ConvLstmState from, int commit) {
        forward.run(input, frames, batch, from, commit);
        ConvLstmSequence sequence = forward.sequence();
        return ops.view(sequence.hidden(), frames * batch * sequence.units());
    }

    @Override
    public Tensor backward(Tensor dy) {
        Region dx = backward.run(x, CudaOps.memory(dy), frames, batch);
        return dx == null ? null : ops.view(dx, frames * batch * forward.shape().inputSize());
    }

    @Override
    public void close() {
        resources.close();
    }
}
