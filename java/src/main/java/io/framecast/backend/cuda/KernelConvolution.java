package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.ConvolutionTile.BLOCK;
import static io.framecast.backend.cuda.ConvolutionTile.ceilDiv;

import io.framecast.backend.cuda.CudaKernel.Dim;
import java.util.List;

/**
 * Convolutions by the kernels of convolution.cu. The gradient of the weights is a sum over all pixels: it is made in
 * splits, so that the device is full, which are added in their order. How many there are depends on the shape, on the
 * device, and on the most images that are expected, so that the same call gives the same bits.
 */
final class KernelConvolution implements CudaConvolution {

    private static final int STEP = 8;

    /** What beginning and ending a tile costs a block, in pixels it could add up meanwhile. */
    private static final int TILE_COST = 64;

    private static final int MOST_SPLITS = 4096;

    private final ConvolutionShape shape;
    private final ConvolutionTile tile = ConvolutionTile.SQUARE;
    private final boolean gates;
    private final CudaModule convolution;
    private final CudaKernel forward;
    private final CudaKernel backwardData;
    private final CudaKernel backwardWeights;
    private final CudaModule reduce;
    private final CudaKernel sum;
    private final int splits;
    private final DeviceArena.Region parts;

    /**
     * @param gates outputs are (filters, 4), and gradients of weights wanted in Keras's order (4, filters)
     * @param images the most that it will be given
     * @param training also backward
     */
    KernelConvolution(CudaDevice device, DeviceArena arena, ConvolutionShape shape, boolean gates, int images,
            boolean training) {
        this.shape = shape;
        this.gates = gates;
        // Within an image, and in the weights, kernels count in 32 bits.
        Math.toIntExact(Math.max(shape.weightsSize(), Math.max(shape.inputSize(), shape.outputSize())));
        convolution = device.module("convolution.cu", shape.options());
        forward = convolution.kernel("convolutionForward");
        if (!training) {
            backwardData = null;
            backwardWeights = null;
            reduce = null;
            sum = null;
            splits = 0;
            parts = null;
            return;
        }
        backwardData = convolution.kernel("convolutionBackwardData");
        backwardWeights = convolution.kernel("convolutionBackwardWeights");
        reduce = device.module("reduce.cu", List.of());
        sum = reduce.kernel(gates ? "sumGateSplits" : "sumSplits");
        splits = splits(device.multiprocessors() * ConvolutionTile.BLOCKS_PER_MULTIPROCESSOR,
                tile.count(shape.taps() * shape.inputs(), shape.outputs()), rows(images, shape.outPixels()));
        parts = arena.scratch(Math.multiplyExact(Float.BYTES * shape.weightsSize(), splits));
    }

    /** How many splits take least, each with this many tiles, where the device runs so many blocks at once. */
    private static int splits(int blocks, int tiles, int pixels) {
        int best = 1;
        long least = Long.MAX_VALUE;
        for (int n = 1; n <= Math.min(MOST_SPLITS, ceilDiv(pixels, STEP)); n++) {
            long waves = ((long) tiles * n + blocks - 1) / blocks;
            long time = waves * (ceilDiv(pixels, n) + TILE_COST);
            if (time < least) {
                least = time;
                best = n;
            }
        }
        return best;
    }

    private static int rows(int images, int pixels) {
        return Math.multiplyExact(images, pixels);
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        forward.launch(tile.grid(rows(images, shape.outPixels()), shape.outputs(), 1), BLOCK, 0, x, w, bias, y,
                accumulate ? 1 : 0, images);
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        backwardData.launch(tile.grid(rows(images, shape.pixels()), shape.inputs(), 1), BLOCK, 0, dy, w, dx,
                accumulate ? 1 : 0, images);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        int pixels = rows(images, shape.outPixels());
        // With fewer images than planned splits are shorter, or fewer.
        int length = ceilDiv(ceilDiv(pixels, splits), STEP) * STEP;
        int count = ceilDiv(pixels, length);
        DeviceMemory to = parts.memory();
        backwardWeights.launch(tile.grid(shape.taps() * shape.inputs(), shape.outputs(), count), BLOCK, 0, x, dy, to,
                length, images);
        if (gates) {
            long units = shape.weightsSize() / 4;
            sum.launch(passes(units), BLOCK, 0, to, dw, count, units, shape.outputs() / 4);
        } else {
            sum.launch(passes(shape.weightsSize()), BLOCK, 0, to, dw, count, shape.weightsSize());
        }
    }

    private static Dim passes(long values) {
        return Dim.of(Math.toIntExact((values + 255) / 256));
    }

    @Override
    public void close() {
        convolution.close();
        if (reduce != null) {
            reduce.close();
            parts.close();
        }
    }
}
