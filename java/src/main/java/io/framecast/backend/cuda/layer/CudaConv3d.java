package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Activation;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/**
 * A convolution over time, height and width. One 2-D convolution over all frames computes the contribution of each
 * frame to each of its neighbours in time, with the taps of the time axis as output channels (frames, batch, height,
 * width, kernelFrames, filters); then each output sums its taps (cuda-kernels/conv3d.cu). With the few filters of a
 * last layer this fills the tiles of a matrix product better than one convolution for each tap. A kernel of one frame
 * is a plain 2-D convolution.
 */
final class CudaConv3d implements Op {

    private final CudaOps ops;
    private final Conv3dSpec spec;
    private final Weights kernel;
    private final Weights bias;

    private final OpResources resources;
    private final ConvolutionShape shape;
    private final CudaConvolution convolution;
    private final CudaKernel activate;
    private final CudaKernel activateBackward;
    private final Region y;
    /** Null: the kernel has one frame. */
    private final TimeAxis time;
    /** Null: not in training. */
    private final BiasGradient biasGradient;
    /** Null: gradient of the input not computed. */
    private final Region dx;

    /** Of the last forward pass. */
    private Tensor x;
    private int frames;
    private int batch;

    CudaConv3d(CudaOps ops, ConvolutionFamily convolutions, Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        this.ops = ops;
        this.spec = spec;
        this.kernel = kernel;
        this.bias = bias;
        resources = new OpResources(ops.arena(), plan.batch());
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        shape = new ConvolutionShape(spec.height(), spec.width(), spec.channels(),
                Math.multiplyExact(spec.kernelFrames(), spec.filters()), spec.kernelHeight(), spec.kernelWidth(),
                spec.strideHeight(), spec.strideWidth(), spec.dilationHeight(), spec.dilationWidth(), spec.same());
        boolean training = plan.training();
        try {
            activate = ops.kernel("activations.cu", "activateForward");
            activateBackward = ops.kernel("activations.cu", "activateBackward");
            convolution = resources.own(convolutions.make(shape, false, images, images, training));
            y = resources.perVideo(images * outputs());
            dx = training && plan.inputGradient() ? resources.perVideo(images * shape.inputSize()) : null;
            biasGradient = training ? new BiasGradient(ops, resources, (long) images * shape.outPixels(),
                    spec.filters(), false) : null;
            time = spec.kernelFrames() == 1 ? null : new TimeAxis(ops, resources, plan,
                    new TimeTaps(ops, spec.kernelFrames(), spec.filters()), shape.taps() * shape.inputs(),
                    shape.outPixels());
        } catch (RuntimeException e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /** The values of an output frame of a video. */
    private long outputs() {
        return (long) shape.outPixels() * spec.filters();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        this.frames = frames;
        this.batch = batch;
        int images = frames * batch;
        long size = images * outputs();
        if (time == null) {
            convolution.forward(images, convolution.input(images, x), memory(kernel.value()), memory(bias.value()),
                    y.memory(), false);
            if (spec.activation() != Activation.LINEAR) {
                activate.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, y.memory(), size, spec.activation().ordinal());
            }
        } else {
            time.takeParameter(memory(kernel.value()));
            convolution.forward(images, convolution.input(images, x), time.weights(), null, time.taps(), false);
            time.combine(frames, batch, memory(bias.value()), y.memory(), spec.activation());
        }
        return ops.view(y, size);
    }

    @Override
    public Tensor backward(Tensor outputGradient) {
        int images = frames * batch;
        long size = images * outputs();
        DeviceMemory dy = memory(outputGradient);
        if (spec.activation() != Activation.LINEAR) {
            activateBackward.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, y.memory(), dy, size,
                    spec.activation().ordinal());
        }
        biasGradient.run(dy, images * shape.outPixels(), memory(bias.gradient()));
        if (time != null) {
            time.spread(frames, batch, dy);
        }
        DeviceMemory gradient = time == null ? dy : time.taps();
        convolution.backwardWeights(images, convolution.input(images, x), gradient,
                time == null ? memory(kernel.gradient()) : time.weightsGradient());
        if (time != null) {
            time.giveGradient(memory(kernel.gradient()));
        }
        if (dx == null) {
            return null;
        }
        convolution.backwardData(images, gradient, time == null ? memory(kernel.value()) : time.weights(), dx.memory(),
                false);
        return ops.view(dx, images * shape.inputSize());
    }

    @Override
    public void close() {
        resources.close();
    }
}
