package io.framecast.backend.cuda.layer;

import static io.framecast.backend.ConvLstmSpec.GATES;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import io.framecast.backend.cuda.tensorcore.FusedConvLstm;
import io.framecast.backend.cuda.tensorcore.Operand;
import io.framecast.backend.cuda.tensorcore.TensorCoreConvolution;

/**
 * A ConvLSTM layer on tensor cores. A frame is one launch, which convolves input and hidden state and computes gates,
 * cell and hidden state; backward is one launch a frame, and then a product over all frames for each kernel and for the
 * input. Hidden states and gradients of z are kept as operands, gates and cells in float.
 */
final class TensorCoreConvLstm implements ConvLstmOp {

    private final CudaOps ops;
    private final Operand operand;
    private final OpResources resources;
    private final Weights kernel;
    private final Weights recurrentKernel;
    private final Weights bias;
    private final boolean training;

    private final ConvolutionShape shape;
    private final int filters;
    private final FusedConvLstm frame;
    /** Packs the input; in training its gradients, too. */
    private final TensorCoreConvolution input;
    private final OperandFrames hidden;
    /** The hidden states in float; null: the operands are the output. */
    private final Region output;
    /** The cells of all frames in training, else of one. */
    private final Region cells;

    /** What follows is null if not in training. */
    private final TensorCoreConvolution recurrent;
    private final Region gates;
    private final OperandFrames dz;
    private final Region cellGradient;
    private final Region biasSums;
    private final BiasGradient biasGradient;
    /** Null: gradient of the input not computed. */
    private final Region dx;

    /** Only for rollout: hidden state and cell that are carried from one step to the next; null in training. */
    private final OperandFrames carriedHidden;
    private final Region carriedCell;
    private boolean carried;

    /** Of the last forward pass. */
    private Tensor x;
    private int frames;
    private int batch;

    TensorCoreConvLstm(CudaOps ops, Operand operand, ConvLstmSpec spec, Plan plan, Weights kernel,
            Weights recurrentKernel, Weights bias) {
        this.ops = ops;
        this.operand = operand;
        this.kernel = kernel;
        this.recurrentKernel = recurrentKernel;
        this.bias = bias;
        training = plan.training();
        filters = spec.filters();
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        int outputs = Math.multiplyExact(GATES, filters);
        shape = new ConvolutionShape(spec.height(), spec.width(), spec.channels(), outputs, spec.kernelHeight(),
                spec.kernelWidth(), spec.strideHeight(), spec.strideWidth(), spec.dilationHeight(),
                spec.dilationWidth(), spec.same());
        resources = new OpResources(ops.arena(), plan.batch());
        try {
            frame = resources.own(new FusedConvLstm(ops, operand, spec, shape, plan.batch(), training));
            input = resources.own(TensorCoreConvolution.gradients(ops, operand, shape, images, true,
                    training && plan.inputGradient(), training));
            hidden = new OperandFrames(resources, operand, images, shape.outPixels(), filters);
            output = plan.operandOutput() && operand.padded(filters) == filters ? null
                    : resources.perVideo(images * units());
            cells = resources.perVideo((training ? images : plan.batch()) * units());
            recurrent = training ? resources.own(TensorCoreConvolution.gradients(ops, operand,
                    ConvolutionShape.same(shape.outHeight(), shape.outWidth(), filters, outputs, spec.kernelHeight(),
                            spec.kernelWidth()), images, false, false, true)) : null;
            gates = training ? resources.perVideo(GATES * images * units()) : null;
            dz = training ? new OperandFrames(resources, operand, images, shape.outPixels(), outputs) : null;
            cellGradient = training ? resources.perVideo(plan.batch() * units()) : null;
            long sums = (long) plan.frames() * frame.biasParts(plan.batch());
            biasSums = training ? resources.perVideo(sums * outputs) : null;
            biasGradient = training ? new BiasGradient(ops, resources, sums, outputs, false) : null;
            dx = training && plan.inputGradient() ? resources.perVideo(images * shape.inputSize()) : null;
            carriedHidden = training ? null
                    : new OperandFrames(resources, operand, plan.batch(), shape.outPixels(), filters);
            carriedCell = training ? null : resources.perVideo(plan.batch() * units());
        } catch (RuntimeException e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /** The hidden units of an image: pixels times filters. */
    private long units() {
        return (long) shape.outPixels() * filters;
    }

    @Override
    public Tensor forward(Tensor input, int frames, int batch, boolean training) {
        pack();
        x = input;
        this.frames = frames;
        this.batch = batch;
        return run(input, frames, batch, 0);
    }

    @Override
    public void begin() {
        carried = false;
        pack();
    }

    private void pack() {
        frame.pack(CudaOps.memory(kernel.value()), CudaOps.memory(recurrentKernel.value()));
    }

    @Override
    public Tensor step(Tensor input, int frames, int batch, int commit) {
        return run(input, frames, batch, commit);
    }

    /** @param commit after how many of the frames the carried state is replaced; 0: it is not, nor is it used */
    private Tensor run(Tensor tensor, int frames, int batch, int commit) {
        DeviceMemory all = input.input(frames * batch, tensor);
        for (int t = 0; t < frames; t++) {
            DeviceMemory before = t > 0 ? hidden.get(t - 1, 1, batch) : carried ? carriedHidden.get(0, 1, batch) : null;
            DeviceMemory cellBefore = t > 0 ? cell(t - 1, batch) : carried ? floats(carriedCell, 0, batch) : null;
            long imageBytes = (long) operand.bytes() * shape.pixels() * operand.padded(shape.inputs());
            frame.step(batch, all.view(t * batch * imageBytes, batch * imageBytes), before,
                    CudaOps.memory(bias.value()), cellBefore, training ? gates(t, batch) : null, cell(t, batch),
                    hidden.get(t, 1, batch), output == null ? null : floats(output, t, batch));
            if (t + 1 == commit) {
                hidden.copy(t, batch, carriedHidden);
                cell(t, batch).copyTo(0, floats(carriedCell, 0, batch), 0, batch * units());
                carried = true;
            }
        }
        return output == null ? ops.operandView(hidden.region(), frames * batch * units(), operand.bytes())
                : ops.view(output, frames * batch * units());
    }

    private DeviceMemory cell(int t, int batch) {
        return floats(cells, training ? t : 0, batch);
    }

    private DeviceMemory gates(int t, int batch) {
        long bytes = Float.BYTES * GATES * batch * units();
        return gates.memory().view(t * bytes, bytes);
    }

    /** A frame of a region of units. */
    private DeviceMemory floats(Region region, int t, int batch) {
        long bytes = Float.BYTES * batch * units();
        return region.memory().view(t * bytes, bytes);
    }

    @Override
    public Tensor backward(Tensor dy) {
        throughTime(CudaOps.memory(dy));
        int images = frames * batch;
        DeviceMemory all = dz.get(0, frames, batch);
        input.backwardWeightsOf(images, input.input(images, x), all, CudaOps.memory(kernel.gradient()));
        DeviceMemory recurrentGradient = CudaOps.memory(recurrentKernel.gradient());
        if (frames > 1) {
            // The hidden states of frames 0..T-2 with the gradients of z of frames 1..T-1.
            recurrent.backwardWeightsOf(images - batch, hidden.get(0, frames - 1, batch),
                    dz.get(1, frames - 1, batch), recurrentGradient);
        } else {
            recurrentGradient.clear();
        }
        biasGradient.run(biasSums.memory(), frames * frame.biasParts(batch), CudaOps.memory(bias.gradient()));
        if (dx == null) {
            return null;
        }
        input.backwardDataOf(images, all, CudaOps.memory(kernel.value()), dx.memory());
        return ops.view(dx, images * shape.inputSize());
    }

    /** Computes the gradients of z, frame by frame from the last on. */
    private void throughTime(DeviceMemory dHidden) {
        long frameBytes = Float.BYTES * batch * units();
        long sumBytes = (long) Float.BYTES * frame.biasParts(batch) * shape.outputs();
        for (int t = frames - 1; t >= 0; t--) {
            frame.backwardStep(batch, t < frames - 1 ? dz.get(t + 1, 1, batch) : null, gates(t, batch),
                    t > 0 ? cell(t - 1, batch) : null, dHidden.view(t * frameBytes, frameBytes),
                    floats(cellGradient, 0, batch), dz.get(t, 1, batch),
                    biasSums.memory().view(t * sumBytes, sumBytes));
        }
    }

    @Override
    public void close() {
        resources.close();
    }
}
