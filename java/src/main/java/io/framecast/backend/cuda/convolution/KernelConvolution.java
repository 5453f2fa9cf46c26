package io.framecast.backend.cuda.convolution;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.ArrayList;
import java.util.List;

/**
 * A convolution by the kernels of convolution.cu. The gradient of the weights is a sum over all pixels, computed as a
 * split-K product to fill the device; the splits are added in a fixed order. Tiles and splits depend only on the shape,
 * the device and the planned number of images, so that the same call gives the same bits.
 */
final class KernelConvolution implements CudaConvolution {

    private static final String FILE = "convolution.cu";

    /** The tiles of the three products. */
    record Tiles(ConvolutionTile forward, ConvolutionTile data, ConvolutionTile weights) {

        /** @param images of a call of forward and backward data */
        static Tiles fastest(ConvolutionShape shape, int images, int multiprocessors) {
            boolean vectorizedInputs = shape.inputs() % 4 == 0;
            boolean vectorizedOutputs = shape.outputs() % 4 == 0;
            return new Tiles(
                    ConvolutionTile.fastest(Math.multiplyExact(images, shape.outPixels()), shape.outputs(),
                            vectorizedInputs, multiprocessors),
                    ConvolutionTile.fastest(Math.multiplyExact(images, shape.pixels()), shape.inputs(),
                            vectorizedOutputs, multiprocessors),
                    // The number of tiles does not matter: splits give enough blocks.
                    ConvolutionTile.fastest(weightRows(shape), shape.outputs(), vectorizedInputs, 1));
        }
    }

    private final CudaOps ops;
    private final ConvolutionShape shape;
    private final boolean gates;
    private final Tiles tiles;
    private final CudaKernel forward;
    private final CudaKernel backwardData;
    private final CudaKernel backwardWeights;
    private final CudaKernel sum;
    private final int splits;
    private final DeviceArena.Region parts;

    /** As {@link ConvolutionFamily#make}. */
    KernelConvolution(CudaOps ops, ConvolutionShape shape, boolean gates, int images, int sequence, boolean training) {
        this(ops, shape, gates, sequence, training,
                Tiles.fastest(shape, images, ops.tiledMultiprocessors()));
    }

    KernelConvolution(CudaOps ops, ConvolutionShape shape, boolean gates, int sequence, boolean training, Tiles tiles) {
        this.ops = ops;
        this.shape = shape;
        this.gates = gates;
        this.tiles = tiles;
        List<String> options = options(shape, tiles);
        forward = ops.kernel(FILE, "convolutionForward", options);
        if (!training) {
            backwardData = null;
            backwardWeights = null;
            sum = null;
            splits = 0;
            parts = null;
            return;
        }
        backwardData = ops.kernel(FILE, "convolutionBackwardData", options);
        backwardWeights = ops.kernel(FILE, "convolutionBackwardWeights", options);
        sum = ops.kernel("reduce.cu", gates ? "sumGateSplits" : "sumSplits");
        splits = SplitK.splits(tiles.weights.count(weightRows(shape), shape.outputs()),
                ops.device().multiprocessors() * tiles.weights.blocksPerMultiprocessor(),
                Math.multiplyExact(sequence, shape.outPixels()), tiles.weights.step());
        parts = ops.arena().scratch(Math.multiplyExact(Float.BYTES * shape.weightsSize(), splits));
    }

    /** The rows of the weights as a matrix (taps * inputs, outputs). */
    private static int weightRows(ConvolutionShape shape) {
        return shape.taps() * shape.inputs();
    }

    /** The compiler's options for convolution.cu. */
    static List<String> options(ConvolutionShape shape, Tiles tiles) {
        List<String> options = new ArrayList<>(shape.options());
        options.add(tiles.forward.option("FORWARD_TILE"));
        options.add(tiles.data.option("DATA_TILE"));
        options.add(tiles.weights.option("WEIGHTS_TILE"));
        return options;
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        int pixels = Math.multiplyExact(images, shape.outPixels());
        forward.launch(tiles.forward.grid(pixels, shape.outputs(), 1), tiles.forward.block(), 0, x, w, bias, y,
                accumulate ? 1 : 0, images);
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        int pixels = Math.multiplyExact(images, shape.pixels());
        backwardData.launch(tiles.data.grid(pixels, shape.inputs(), 1), tiles.data.block(), 0, dy, w, dx,
                accumulate ? 1 : 0, images);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        int pixels = Math.multiplyExact(images, shape.outPixels());
        // With fewer images than planned the splits are shorter, or fewer.
        int step = tiles.weights.step();
        int length = SplitK.length(pixels, splits, step);
        int count = ceilDiv(pixels, length);
        DeviceMemory to = parts.memory();
        backwardWeights.launch(tiles.weights.grid(weightRows(shape), shape.outputs(), count), tiles.weights.block(), 0,
                x, dy, to, length, images);
        if (gates) {
            long n = shape.weightsSize() / ConvLstmSpec.GATES;
            sum.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, to, dw, count, n, shape.outputs() / ConvLstmSpec.GATES);
        } else {
            long n = shape.weightsSize();
            sum.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, to, dw, count, n);
        }
    }

    @Override
    public void close() {
        if (parts != null) {
            parts.close();
        }
    }
}
