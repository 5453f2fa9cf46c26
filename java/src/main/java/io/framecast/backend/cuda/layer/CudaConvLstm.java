package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaTensor.memory;

import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.convolution.RecurrentStep;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.CudaTensor;
import io.framecast.backend.cuda.launch.DeviceArena;

/**
 * A ConvLSTM layer over whole sequences, and frame by frame for rollout.
 *
 * <p>Forward, the input convolution runs once over all frames; then each frame is one launch, of the recurrent
 * convolution with the gates in its end (cuda-kernels/convlstm_step.cu), or two where the convolutions are a vendor's
 * (and cuda-kernels/gates.cu after each). Backward through time makes a pass over the gates and a backward-data
 * convolution a frame, which adds to the gradient of the frame before; each weights gradient is one convolution over
 * all frames.
 *
 * <p>On the device the four gates of a unit lie side by side: z, the activated gates and the gradient of z, which share
 * one block of memory in this order, are (frames, batch, height, width, filters, 4), the weights (taps, inputs,
 * filters, 4). Parameters and their gradients are turned over on the way.
 */
final class CudaConvLstm implements ConvLstmOp {

    private final CudaOps ops;
    private final ConvLstmSpec spec;
    private final Plan plan;
    private final Weights kernel;
    private final Weights recurrentKernel;
    private final Weights bias;

    private final ConvolutionShape shape;
    private final CudaConvolution input;
    private final CudaConvolution recurrent;
    /** Null where the recurrent convolution and the gates are launches of their own. */
    private final RecurrentStep step;
    private final CudaKernel interleave;
    private final CudaKernel gatesForward;
    private final CudaKernel gatesBackward;
    private final CudaKernel sumGateSplits;
    private final Columns columns;
    private final CudaKernel columnSums;

    private final DeviceArena.Region weights;
    private final DeviceArena.Region recurrentWeights;
    private final DeviceArena.Region biases;
    private final DeviceArena.Region gates;
    /** Of all frames in training; else of one. */
    private final DeviceArena.Region cells;
    private final DeviceArena.Region hidden;
    private final DeviceArena.Region cellGradient;
    private final DeviceArena.Region partial;
    private final DeviceArena.Region dx;
    /** Hidden state and cells after the last committed frame; null in training. */
    private final DeviceArena.Region state;
    private final Closing closing = new Closing();

    private boolean hasState;
    private Tensor x;
    private int frames;
    private int batch;

    /** @param fused whether a frame is one launch, by this project's kernel */
    CudaConvLstm(CudaOps ops, CudaConvolution.Factory convolutions, boolean fused, ConvLstmSpec spec, Plan plan,
            Weights kernel, Weights recurrentKernel, Weights bias) {
        this.ops = ops;
        this.spec = spec;
        this.plan = plan;
        this.kernel = kernel;
        this.recurrentKernel = recurrentKernel;
        this.bias = bias;
        int filters = spec.filters();
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        shape = new ConvolutionShape(spec.height(), spec.width(), spec.channels(), 4 * filters, spec.kernelHeight(),
                spec.kernelWidth(), spec.strideHeight(), spec.strideWidth(), spec.dilationHeight(),
                spec.dilationWidth(), spec.same());
        ConvolutionShape recurrentShape = ConvolutionShape.same(shape.outHeight(), shape.outWidth(), filters,
                4 * filters, spec.kernelHeight(), spec.kernelWidth());
        columns = new Columns(ops, (long) images * shape.outPixels(), 4 * filters);
        try {
            interleave = ops.kernels().get("layout.cu", "interleaveGates");
            gatesForward = ops.kernels().get("gates.cu", "gatesForward");
            gatesBackward = ops.kernels().get("gates.cu", "gatesBackward");
            sumGateSplits = ops.kernels().get("reduce.cu", "sumGateSplits");
            columnSums = columns.kernel("reduce.cu", "columnSums");
            input = own(convolutions.make(shape, true, images, images, plan.training()));
            recurrent = own(convolutions.make(recurrentShape, true, plan.batch(), images, plan.training()));
            step = fused ? new RecurrentStep(ops, recurrentShape, plan.batch()) : null;
            weights = own(fixed(shape.weightsSize()));
            recurrentWeights = own(fixed(recurrentShape.weightsSize()));
            biases = own(fixed(4L * filters));
            gates = own(perVideo(4 * units(plan.frames(), plan.batch())));
            cells = own(perVideo(units(plan.training() ? plan.frames() : 1, plan.batch())));
            hidden = own(perVideo(units(plan.frames(), plan.batch())));
            state = plan.training() ? null : own(perVideo(2 * units(1, plan.batch())));
            cellGradient = plan.training() ? own(perVideo(units(1, plan.batch()))) : null;
            dx = plan.training() && plan.inputGradient() ? own(perVideo(images * shape.inputSize())) : null;
            partial = plan.training() ? own(ops.arena().scratch(4L * Float.BYTES * filters * columns.parts())) : null;
        } catch (RuntimeException e) {
            closing.runAfter(e);
            throw e;
        }
    }

    private <T extends CudaConvolution> T own(T convolution) {
        closing.add(convolution::close);
        return convolution;
    }

    private DeviceArena.Region own(DeviceArena.Region region) {
        closing.add(region::close);
        return region;
    }

    private DeviceArena.Region fixed(long values) {
        return ops.arena().reserve(Float.BYTES * values);
    }

    private DeviceArena.Region perVideo(long values) {
        return ops.arena().reserve(Float.BYTES * values, plan.batch());
    }

    /** The hidden units of so many frames of so many videos, at all positions. */
    private long units(int frames, int batch) {
        return (long) frames * batch * shape.outPixels() * spec.filters();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        takeParameters();
        return run(x, frames, batch, false, 0);
    }

    @Override
    public void begin() {
        hasState = false;
        takeParameters();
    }

    @Override
    public Tensor step(Tensor x, int frames, int batch, int commit) {
        return run(x, frames, batch, hasState, commit);
    }

    private void takeParameters() {
        interleave(kernel.value(), weights);
        interleave(recurrentKernel.value(), recurrentWeights);
        interleave(bias.value(), biases);
    }

    private void interleave(Tensor from, DeviceArena.Region to) {
        long n = from.size() / 4;
        interleave.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, memory(from), to.memory(), n, spec.filters());
    }

    private Tensor run(Tensor x, int frames, int batch, boolean fromState, int commit) {
        this.x = x;
        this.frames = frames;
        this.batch = batch;
        long n = units(1, batch);
        input.forward(frames * batch, memory(x), weights.memory(), biases.memory(), gates.memory(), false);
        for (int t = 0; t < frames; t++) {
            DeviceMemory h = part(hidden, t * n, n);
            DeviceMemory c = cells(t, n);
            if (t > 0) {
                frame(t, n, part(hidden, (t - 1) * n, n), cells(t - 1, n), c, h);
            } else if (fromState) {
                frame(t, n, part(state, 0, n), part(state, n, n), c, h);
            } else {
                // Before the first frame the hidden state is zero, and so is what would be convolved.
                gates(t, n, null, c, h);
            }
            if (t + 1 == commit) {
                h.copyTo(0, state.memory(), 0, n);
                c.copyTo(0, state.memory(), n, n);
                hasState = true;
            }
        }
        return CudaTensor.view(hidden, frames * n);
    }

    private void frame(int t, long n, DeviceMemory before, DeviceMemory cellBefore, DeviceMemory c, DeviceMemory h) {
        DeviceMemory z = part(gates, 4 * t * n, 4 * n);
        if (step != null) {
            step.launch(batch, before, recurrentWeights.memory(), z, cellBefore, plan.training() ? z : null, c, h,
                    spec.activation(), spec.recurrentActivation());
        } else {
            recurrent.forward(batch, before, recurrentWeights.memory(), null, z, true);
            gates(t, n, cellBefore, c, h);
        }
    }

    private void gates(int t, long n, DeviceMemory cellBefore, DeviceMemory c, DeviceMemory h) {
        DeviceMemory z = part(gates, 4 * t * n, 4 * n);
        gatesForward.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, z, cellBefore, plan.training() ? z : null, c, h, n,
                spec.activation().ordinal(), spec.recurrentActivation().ordinal());
    }

    @Override
    public Tensor backward(Tensor dy) {
        long n = units(1, batch);
        DeviceMemory dh = memory(dy);
        DeviceMemory dc = cellGradient.memory();
        for (int t = frames - 1; t >= 0; t--) {
            DeviceMemory dz = part(gates, 4 * t * n, 4 * n);
            gatesBackward.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, dz, t > 0 ? cells(t - 1, n) : null, cells(t, n),
                    dh.view(Float.BYTES * t * n, Float.BYTES * n), t < frames - 1 ? dc : null, dz, t > 0 ? dc : null, n,
                    spec.activation().ordinal(), spec.recurrentActivation().ordinal());
            if (t > 0) {
                recurrent.backwardData(batch, dz, recurrentWeights.memory(),
                        dh.view(Float.BYTES * (t - 1) * n, Float.BYTES * n), true);
            }
        }
        int images = frames * batch;
        DeviceMemory dz = gates.memory();
        input.backwardWeights(images, memory(x), dz, memory(kernel.gradient()));
        if (frames > 1) {
            // The hidden states of frames 0..T-2 with the gradients of frames 1..T-1: both lie in one piece.
            recurrent.backwardWeights(images - batch, hidden.memory(), part(gates, 4 * n, 4 * (frames - 1) * n),
                    memory(recurrentKernel.gradient()));
        } else {
            memory(recurrentKernel.gradient()).clear();
        }
        sumOverPixels(dz, images);
        if (dx == null) {
            return null;
        }
        input.backwardData(images, dz, weights.memory(), dx.memory(), false);
        return CudaTensor.view(dx, images * shape.inputSize());
    }

    /** The gradient of the bias. */
    private void sumOverPixels(DeviceMemory dz, int images) {
        int rows = images * shape.outPixels();
        Dim grid = columns.grid(rows);
        columnSums.launch(grid, CudaOps.BLOCK, 0, dz, partial.memory(), rows, 4 * spec.filters());
        sumGateSplits.launch(ops.itemGrid(spec.filters()), CudaOps.BLOCK, 0, partial.memory(),
                memory(bias.gradient()), grid.x(), (long) spec.filters(), spec.filters());
    }

    private DeviceMemory cells(int t, long n) {
        return part(cells, plan.training() ? t * n : 0, n);
    }

    private static DeviceMemory part(DeviceArena.Region region, long from, long count) {
        return region.memory().view(Float.BYTES * from, Float.BYTES * count);
    }

    @Override
    public void close() {
        closing.run();
    }
}
