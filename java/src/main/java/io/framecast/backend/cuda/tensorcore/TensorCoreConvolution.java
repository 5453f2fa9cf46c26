package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

import io.framecast.FramecastException;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.convolution.SplitK;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import io.framecast.backend.cuda.launch.ScratchParts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A convolution by tensor_core_convolution.cu. It takes weights and gradients in float and packs them; and its input as
 * {@link #input} gives it, rounded and with padded channels. The methods of operands are for callers that have those.
 */
public final class TensorCoreConvolution implements CudaConvolution {

    private static final String FILE = "tensor_core_convolution.cu";

    /** The tiles of the three products. */
    record Tiles(TensorCoreTile forward, TensorCoreTile data, TensorCoreTile weights) {

        /** @param images of a call */
        static Tiles fastest(ConvolutionShape shape, Operand operand, int images, CudaOps ops) {
            int inputs = operand.padded(shape.inputs());
            int outputs = operand.padded(shape.outputs());
            long outPixels = (long) images * shape.outPixels();
            return new Tiles(
                    TensorCoreTile.fastest(TensorCoreTile.ROWS, outPixels, shape.outputs(), shape.taps() * inputs,
                            ops),
                    TensorCoreTile.fastest(TensorCoreTile.ROWS, (long) images * shape.pixels(), shape.inputs(),
                            shape.taps() * outputs, ops),
                    // The number of tiles does not matter: splits give enough blocks.
                    TensorCoreTile.fastest(TensorCoreTile.WEIGHTS, (long) shape.taps() * inputs, shape.outputs(),
                            (int) outPixels, 1, ops.device()));
        }
    }

    /** The parts of scratch memory: the packed input and gradient of the outputs, and the sums of all splits. */
    private static final int INPUT = 0;
    private static final int GRADIENT = 1;
    private static final int SPLITS = 2;

    /** What a convolution must be able to do. */
    private record Uses(boolean floatInput, boolean forward, boolean floatGradient, boolean data, boolean weights) {
    }

    private final CudaOps ops;
    private final Operand operand;
    private final ConvolutionShape shape;
    private final OperandPacking packing;
    private final Tiles tiles;
    /** Those that are not used are null. */
    private final CudaKernel forward;
    private final CudaKernel data;
    private final CudaKernel weights;
    private final int splits;
    /** Null: forward is not computed. */
    private final Region forwardWeights;
    /** Null: backward data is not computed. */
    private final Region dataWeights;
    private final ScratchParts scratch;

    /** A convolution of all three directions, whose input and outputs' gradient may be float. */
    static TensorCoreConvolution of(CudaOps ops, Operand operand, ConvolutionShape shape, int images,
            boolean training) {
        return of(ops, operand, shape, images, training, Tiles.fastest(shape, operand, images, ops));
    }

    static TensorCoreConvolution of(CudaOps ops, Operand operand, ConvolutionShape shape, int images,
            boolean training, Tiles tiles) {
        return new TensorCoreConvolution(ops, operand, shape, images,
                new Uses(true, true, training, training, training), tiles);
    }

    /**
     * The gradients of one of a ConvLSTM's convolutions, from outputs' gradients that are operands.
     *
     * @param floatInput whether {@link #input} may be given float values
     * @param data whether the gradient of the input is computed
     * @param weights whether the gradient of the weights is computed
     */
    public static TensorCoreConvolution gradients(CudaOps ops, Operand operand, ConvolutionShape shape, int images,
            boolean floatInput, boolean data, boolean weights) {
        return new TensorCoreConvolution(ops, operand, shape, images,
                new Uses(floatInput, false, false, data, weights),
                Tiles.fastest(shape, operand, images, ops));
    }

    private TensorCoreConvolution(CudaOps ops, Operand operand, ConvolutionShape shape, int images, Uses uses,
            Tiles tiles) {
        this.ops = ops;
        this.operand = operand;
        this.shape = shape;
        this.tiles = tiles;
        packing = new OperandPacking(ops, operand);
        List<String> options = options(shape, operand, tiles);
        long pixels = Math.multiplyExact((long) images, shape.pixels());
        long outPixels = Math.multiplyExact((long) images, shape.outPixels());
        splits = SplitK.splits(tiles.weights.count(weightRows(), shape.outputs()),
                ops.device().multiprocessors() * tiles.weights.resident(ops.device()), outPixels, weightsStep());
        forward = uses.forward ? tiles.forward.kernel(ops, FILE, "tensorForward", options) : null;
        data = uses.data ? tiles.data.kernel(ops, FILE, "tensorBackwardData", options) : null;
        weights = uses.weights ? tiles.weights.kernel(ops, FILE, "tensorBackwardWeights", options) : null;
        forwardWeights = uses.forward ? packedWeights(shape.outputs(), shape.inputs()) : null;
        dataWeights = uses.data ? packedWeights(shape.inputs(), shape.outputs()) : null;
        scratch = new ScratchParts(ops.arena(), SPLITS,
                uses.floatInput ? operand.bytes() * pixels * operand.padded(shape.inputs()) : 0,
                uses.floatGradient ? operand.bytes() * outPixels * operand.padded(shape.outputs()) : 0,
                uses.weights ? partBytes() * splits : 0);
    }

    private Region packedWeights(int columns, int channels) {
        int depth = operand.packedDepth(Math.multiplyExact(shape.taps(), operand.padded(channels)));
        return ops.arena().reserveZeros((long) operand.bytes() * Operand.packedColumns(columns) * depth);
    }

    /** The compiler's options for tensor_core_convolution.cu. */
    static List<String> options(ConvolutionShape shape, Operand operand, Tiles tiles) {
        int inputs = operand.padded(shape.inputs());
        int outputs = operand.padded(shape.outputs());
        // Kernels have 32-bit offsets in bytes into the images that the rows of a tile belong to, and leave half of
        // their range to those of the taps (tensor_core/im2col.cuh).
        long images = 2 + TensorCoreTile.MOST_ROWS / Math.min(shape.pixels(), shape.outPixels());
        long most = Math.max((long) shape.pixels() * inputs, (long) shape.outPixels() * outputs);
        if (images * most * operand.bytes() > Integer.MAX_VALUE / 2) {
            throw new FramecastException("A convolution of frames of " + shape.height() + " x " + shape.width()
                    + " from " + shape.inputs() + " to " + shape.outputs() + " channels is too large for the CUDA "
                    + "kernels; use smaller frames or fewer filters.");
        }
        List<String> all = new ArrayList<>(shape.options());
        all.addAll(List.of("-DPADDED_INPUTS=" + inputs, "-DPADDED_OUTPUTS=" + outputs, operand.option(),
                tiles.forward.option("FORWARD_TILE"), tiles.data.option("DATA_TILE"),
                tiles.weights.option("WEIGHTS_TILE")));
        return List.copyOf(all);
    }

    /** The rows of the gradient of the weights, whose channels are padded. */
    private int weightRows() {
        return Math.multiplyExact(shape.taps(), operand.padded(shape.inputs()));
    }

    /** The pixels of a step along K of the product for the weights. */
    private int weightsStep() {
        return tiles.weights.stepBytes() / operand.bytes();
    }

    private long partBytes() {
        return (long) Float.BYTES * weightRows() * shape.outputs();
    }

    /** The input as operand: the tensor's own memory if it is one, else a rounded copy in scratch memory. */
    @Override
    public DeviceMemory input(int images, Tensor x) {
        DeviceMemory rounded = CudaOps.operand(x);
        if (rounded != null) {
            return rounded;
        }
        DeviceMemory to = scratch.part(INPUT);
        packing.rows(CudaOps.memory(x), to, (long) images * shape.pixels(), shape.inputs());
        return to;
    }

    private DeviceMemory gradient(int images, DeviceMemory dy) {
        DeviceMemory to = scratch.part(GRADIENT);
        packing.rows(dy, to, (long) images * shape.outPixels(), shape.outputs());
        return to;
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        requireSet(accumulate);
        packing.forward(tiles.forward, w, forwardWeights.memory(), shape.taps(), shape.inputs(), shape.outputs());
        launch(forward, tiles.forward, (long) images * shape.outPixels(), shape.outputs(), x,
                forwardWeights.memory(), bias, y, images);
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        requireSet(accumulate);
        backwardDataOf(images, gradient(images, dy), w, dx);
    }

    /** As {@link #backwardData}, of dy as operand. */
    public void backwardDataOf(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx) {
        packing.data(tiles.data, w, dataWeights.memory(), shape.taps(), shape.inputs(), shape.outputs());
        launch(data, tiles.data, (long) images * shape.pixels(), shape.inputs(), dy,
                dataWeights.memory(), dx, images);
    }

    private static void requireSet(boolean accumulate) {
        if (accumulate) {
            throw new IllegalArgumentException("convolutions on tensor cores do not add to what is there");
        }
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        backwardWeightsOf(images, x, gradient(images, dy), dw);
    }

    /** As {@link #backwardWeights}, of dy as operand. */
    public void backwardWeightsOf(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        long pixels = (long) images * shape.outPixels();
        int length = SplitK.length(pixels, splits, weightsStep());
        int count = (int) ceilDiv(pixels, length);
        DeviceMemory parts = scratch.part(SPLITS);
        Dim grid = Dim.of(tiles.weights.count(weightRows(), shape.outputs()), count);
        weights.launch(grid, tiles.weights.block(),
                tiles.weights.sharedBytes(), x, dy, parts, length, images);
        long n = shape.weightsSize();
        ops.kernel("reduce.cu", "sumPaddedSplits").launch(ops.itemGrid(n), CudaOps.BLOCK, 0, parts, dw, count, n,
                shape.inputs() * shape.outputs(), operand.padded(shape.inputs()) * shape.outputs());
    }

    private static void launch(CudaKernel kernel, TensorCoreTile tile, long rows, int columns, Object... arguments) {
        kernel.launch(Dim.of(tile.count(rows, columns)), tile.block(), tile.sharedBytes(), arguments);
    }

    @Override
    public void close() {
        Closing closing = new Closing();
        closing.add(scratch::close);
        for (Region region : Arrays.asList(forwardWeights, dataWeights)) {
            if (region != null) {
                closing.add(region::close);
            }
        }
        closing.run();
    }
}
