package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaTensor.memory;

import io.framecast.backend.Activation;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.CudaTensor;
import io.framecast.backend.cuda.launch.DeviceArena;

/**
 * A convolution over time, height and width. One 2-D convolution over all frames makes what each frame gives to each of
 * those around it, all taps of the time axis as channels, taps (frames, batch, height, width, kernelFrames, filters);
 * then each output adds up its own (cuda-kernels/conv3d.cu). Few output channels, as at the end of a network, fill a
 * matrix product better so than in a convolution for each tap. A kernel of one frame needs none of this.
 */
final class CudaConv3d implements Op {

    private final CudaOps ops;
    private final Conv3dSpec spec;
    private final Weights kernel;
    private final Weights bias;

    private final ConvolutionShape shape;
    private final CudaConvolution convolution;
    private final Columns columns;
    private final CudaKernel columnSums;
    private final CudaKernel sumSplits;
    private final CudaKernel activate;
    private final CudaKernel activateBackward;
    private final DeviceArena.Region y;
    private final DeviceArena.Region dx;
    private final DeviceArena.Region partial;
    /** Only where the kernel has several frames: weights, their gradient, and values with the taps as channels. */
    private final TimeTaps timeTaps;
    private final DeviceArena.Region packed;
    private final DeviceArena.Region packedGradient;
    private final DeviceArena.Region taps;
    private final Closing closing = new Closing();

    private Tensor x;
    private int frames;
    private int batch;

    CudaConv3d(CudaOps ops, CudaConvolution.Factory convolutions, Conv3dSpec spec, Plan plan, Weights kernel,
            Weights bias) {
        this.ops = ops;
        this.spec = spec;
        this.kernel = kernel;
        this.bias = bias;
        int images = Math.multiplyExact(plan.frames(), plan.batch());
        shape = ConvolutionShape.same(spec.height(), spec.width(), spec.channels(),
                Math.multiplyExact(spec.kernelFrames(), spec.filters()), spec.kernelHeight(), spec.kernelWidth());
        columns = new Columns(ops, (long) images * shape.outPixels(), spec.filters());
        boolean several = spec.kernelFrames() > 1;
        boolean training = plan.training();
        try {
            columnSums = columns.kernel("reduce.cu", "columnSums");
            sumSplits = ops.kernels().get("reduce.cu", "sumSplits");
            activate = ops.kernels().get("activations.cu", "activateForward");
            activateBackward = ops.kernels().get("activations.cu", "activateBackward");
            timeTaps = several ? new TimeTaps(ops, spec.kernelFrames(), spec.filters()) : null;
            convolution = convolutions.make(shape, false, images, images, training);
            closing.add(convolution::close);
            y = own(ops.arena().reserve(Float.BYTES * images * outputs(), plan.batch()));
            dx = training && plan.inputGradient()
                    ? own(ops.arena().reserve(Float.BYTES * images * shape.inputSize(), plan.batch())) : null;
            partial = training ? own(ops.arena().scratch((long) Float.BYTES * spec.filters() * columns.parts())) : null;
            packed = several ? own(ops.arena().reserve(Float.BYTES * shape.weightsSize())) : null;
            packedGradient = several && training ? own(ops.arena().reserve(Float.BYTES * shape.weightsSize())) : null;
            taps = several ? own(ops.arena().reserve(Float.BYTES * images * shape.outputSize(), plan.batch())) : null;
        } catch (RuntimeException e) {
            closing.runAfter(e);
            throw e;
        }
    }

    private DeviceArena.Region own(DeviceArena.Region region) {
        closing.add(region::close);
        return region;
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
        if (taps == null) {
            convolution.forward(images, memory(x), memory(kernel.value()), memory(bias.value()), y.memory(), false);
            if (spec.activation() != Activation.LINEAR) {
                activate.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, y.memory(), size, spec.activation().ordinal());
            }
        } else {
            timeTaps.pack(memory(kernel.value()), packed.memory(), rows());
            convolution.forward(images, memory(x), packed.memory(), null, taps.memory(), false);
            timeTaps.combine(frames, batch * shape.outPixels(), taps.memory(), memory(bias.value()), y.memory(),
                    spec.activation());
        }
        return CudaTensor.view(y, size);
    }

    @Override
    public Tensor backward(Tensor dy) {
        int images = frames * batch;
        long size = images * outputs();
        if (spec.activation() != Activation.LINEAR) {
            activateBackward.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, y.memory(), memory(dy), size,
                    spec.activation().ordinal());
        }
        int rows = images * shape.outPixels();
        CudaKernel.Dim grid = columns.grid(rows);
        columnSums.launch(grid, CudaOps.BLOCK, 0, memory(dy), partial.memory(), rows, spec.filters());
        sumSplits.launch(ops.itemGrid(spec.filters()), CudaOps.BLOCK, 0, partial.memory(), memory(bias.gradient()),
                grid.x(), (long) spec.filters());
        DeviceMemory w = memory(kernel.value());
        DeviceMemory gradient = memory(dy);
        if (taps == null) {
            convolution.backwardWeights(images, memory(x), gradient, memory(kernel.gradient()));
        } else {
            timeTaps.spread(frames, batch * shape.outPixels(), gradient, taps.memory());
            w = packed.memory();
            gradient = taps.memory();
            convolution.backwardWeights(images, memory(x), gradient, packedGradient.memory());
            timeTaps.unpack(packedGradient.memory(), memory(kernel.gradient()), rows());
        }
        if (dx == null) {
            return null;
        }
        convolution.backwardData(images, gradient, w, dx.memory(), false);
        return CudaTensor.view(dx, images * shape.inputSize());
    }

    /** Of the convolution's weights: its taps in height and width, and input channels. */
    private int rows() {
        return shape.taps() * shape.inputs();
    }

    @Override
    public void close() {
        closing.run();
    }
}
