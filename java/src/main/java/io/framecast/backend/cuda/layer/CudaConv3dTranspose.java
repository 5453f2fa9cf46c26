package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Activation;
import io.framecast.backend.Conv3dTransposeSpec;
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
 * A transposed convolution over time, height and width. The gradient of the input of one 2-D convolution, over all
 * frames, gives the contribution of each frame to each of its neighbours in time; then each output sums these
 * (cuda-kernels/conv3d.cu). Backward is that convolution itself, and the gradient of its weights.
 */
final class CudaConv3dTranspose implements Op {

    private final CudaOps ops;
    private final Conv3dTransposeSpec spec;
    private final Weights kernel;
    private final Weights bias;

    private final OpResources resources;
    /** From output frames, with the taps of the time axis among their channels, to input frames. */
    private final ConvolutionShape shape;
    private final CudaConvolution convolution;
    private final CudaKernel activateBackward;
    private final TimeAxis time;
    private final Region y;
    /** Null: not in training. */
    private final BiasGradient biasGradient;
    /** Null: gradient of the input not computed. */
    private final Region dx;

    /** Of the last forward pass. */
    private Tensor x;
    private int frames;
    private int batch;

    CudaConv3dTranspose(CudaOps ops, ConvolutionFamily convolutions, Conv3dTransposeSpec spec, Plan plan,
            Weights kernel, Weights bias) {
        this.ops = ops;
        this.spec = spec;
        this.kernel = kernel;
        this.bias = bias;
        resources = new OpResources(ops.arena(), plan.batch());
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        shape = new ConvolutionShape(spec.outHeight(), spec.outWidth(),
                Math.multiplyExact(spec.kernelFrames(), spec.filters()), spec.channels(), spec.kernelHeight(),
                spec.kernelWidth(), spec.strideHeight(), spec.strideWidth(), 1, 1, spec.same());
        try {
            activateBackward = ops.kernel("activations.cu", "activateBackward");
            // Forward is a gradient: also in inference the convolution must be one for training.
            convolution = resources.own(convolutions.make(shape, false, images, images, true));
            time = new TimeAxis(ops, resources, plan,
                    TimeTaps.transposed(ops, spec.kernelFrames(), spec.filters(), spec.channels()), shape.taps(),
                    shape.pixels());
            y = resources.perVideo(images * outputs());
            dx = plan.training() && plan.inputGradient() ? resources.perVideo(images * shape.outputSize()) : null;
            biasGradient = plan.training()
                    ? new BiasGradient(ops, resources, (long) images * shape.pixels(), spec.filters(), false) : null;
        } catch (RuntimeException e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /** The values of an output frame of a video. */
    private long outputs() {
        return (long) shape.pixels() * spec.filters();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        this.frames = frames;
        this.batch = batch;
        time.takeParameter(memory(kernel.value()));
        convolution.backwardData(frames * batch, memory(x), time.weights(), time.taps(), false);
        time.combine(frames, batch, memory(bias.value()), y.memory(), spec.activation());
        return ops.view(y, frames * batch * outputs());
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
        biasGradient.run(dy, images * shape.pixels(), memory(bias.gradient()));
        time.spread(frames, batch, dy);
        DeviceMemory gradient = convolution.input(images, time.taps(images));
        convolution.backwardWeights(images, gradient, memory(x), time.weightsGradient());
        time.giveGradient(memory(kernel.gradient()));
        if (dx == null) {
            return null;
        }
        convolution.forward(images, gradient, time.weights(), null, dx.memory(), false);
        return ops.view(dx, images * shape.outputSize());
    }

    @Override
    public void close() {
        resources.close();
    }
}
