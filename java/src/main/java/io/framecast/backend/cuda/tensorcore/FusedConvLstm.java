package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.ConvLstmSpec.GATES;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import java.util.ArrayList;
import java.util.List;

/**
 * A frame of a ConvLSTM by tensor_core_convlstm.cu: its convolutions, gates, cell and hidden state in one launch, and
 * backward the same. Inputs, hidden states and dz are {@linkplain Operand operands}: (images, height, width, padded
 * channels), dz with Keras's (gates, filters) as channels. Gates are (images, height, width, gates, filters), cells
 * (images, height, width, filters), in float.
 */
public final class FusedConvLstm implements AutoCloseable {

    private static final String FILE = "tensor_core_convlstm.cu";

    /** The tiles of the two products. */
    record Tiles(TensorCoreTile step, TensorCoreTile backward) {

        /** @param images of a call */
        static Tiles fastest(ConvolutionShape shape, Operand operand, int images, CudaOps ops) {
            int filters = shape.outputs() / GATES;
            long pixels = Math.multiplyExact((long) images, shape.outPixels());
            return new Tiles(
                    TensorCoreTile.fastest(TensorCoreTile.STEP, pixels, Operand.gateColumns(filters),
                            shape.taps() * (operand.padded(shape.inputs()) + operand.padded(filters)), ops),
                    TensorCoreTile.fastest(TensorCoreTile.ROWS, pixels, filters,
                            shape.taps() * operand.padded(shape.outputs()), ops));
        }
    }

    private final ConvolutionShape shape;
    private final int filters;
    private final int inputDepth;
    private final int depth;
    private final OperandPacking packing;
    private final Tiles tiles;
    private final CudaKernel step;
    private final CudaKernel backwardStep;
    private final Region stepWeights;
    /** Null: not in training. */
    private final Region backwardWeights;

    /**
     * @param shape of the input convolution, to {@code GATES * filters} channels
     * @param images the most images of a call
     */
    public FusedConvLstm(CudaOps ops, Operand operand, ConvLstmSpec spec, ConvolutionShape shape, int images,
            boolean training) {
        this(ops, operand, spec, shape, training, Tiles.fastest(shape, operand, images, ops));
    }

    FusedConvLstm(CudaOps ops, Operand operand, ConvLstmSpec spec, ConvolutionShape shape, boolean training,
            Tiles tiles) {
        this.shape = shape;
        this.tiles = tiles;
        filters = spec.filters();
        packing = new OperandPacking(ops, operand);
        inputDepth = operand.packedDepth(shape.taps() * operand.padded(shape.inputs()));
        depth = inputDepth + operand.packedDepth(shape.taps() * operand.padded(filters));
        int backwardDepth = operand.packedDepth(shape.taps() * operand.padded(shape.outputs()));
        List<String> options = options(shape, operand, spec, tiles);
        step = tiles.step.kernel(ops, FILE, "tensorConvLstmStep", options);
        backwardStep = training ? tiles.backward.kernel(ops, FILE, "tensorConvLstmBackwardStep", options) : null;
        stepWeights = ops.arena().reserveZeros((long) operand.bytes() * Operand.gateColumns(filters) * depth);
        backwardWeights = training ? ops.arena().reserveZeros(
                (long) operand.bytes() * Operand.packedColumns(filters) * backwardDepth) : null;
    }

    /** The compiler's options for tensor_core_convlstm.cu. */
    static List<String> options(ConvolutionShape shape, Operand operand, ConvLstmSpec spec, Tiles tiles) {
        List<String> options = new ArrayList<>(shape.options());
        options.addAll(List.of("-DPADDED_INPUTS=" + operand.padded(shape.inputs()),
                "-DPADDED_OUTPUTS=" + operand.padded(shape.outputs()),
                "-DPADDED_FILTERS=" + operand.padded(spec.filters()), operand.option(),
                "-DACTIVATION=" + spec.activation(), "-DRECURRENT_ACTIVATION=" + spec.recurrentActivation(),
                tiles.step.option("STEP_TILE"), tiles.backward.option("BACKWARD_TILE")));
        return options;
    }

    /** Takes the weights (taps, inputs, gates, filters) as they are now. */
    public void pack(DeviceMemory kernel, DeviceMemory recurrentKernel) {
        DeviceMemory to = stepWeights.memory();
        packing.gates(tiles.step, kernel, to, shape.taps(), shape.inputs(), filters, depth, 0);
        packing.gates(tiles.step, recurrentKernel, to, shape.taps(), filters, filters, depth, inputDepth);
        if (backwardWeights != null) {
            packing.data(tiles.backward, recurrentKernel, backwardWeights.memory(), shape.taps(), filters,
                    shape.outputs());
        }
    }

    /**
     * Computes a frame.
     *
     * @param before the hidden state of the frame before; null: zeros
     * @param bias (gates, filters), of any alignment
     * @param cellBefore null: zeros; it may be {@code cell}
     * @param gates is set to the activated gates, for backward; null: they are not kept
     * @param output is set to the hidden state in float, without padding; null: it is not
     */
    public void step(int images, DeviceMemory x, DeviceMemory before, DeviceMemory bias, DeviceMemory cellBefore,
            DeviceMemory gates, DeviceMemory cell, DeviceMemory hidden, DeviceMemory output) {
        long pixels = (long) images * shape.outPixels();
        step.launch(Dim.of(tiles.step.count(pixels, Operand.gateColumns(filters))), tiles.step.block(),
                tiles.step.sharedBytes(), x, before, stepWeights.memory(), bias, cellBefore, gates, cell, hidden,
                output, images);
    }

    /** How many sums over pixels {@link #backwardStep} makes of each channel of dz. */
    public int biasParts(int images) {
        return tiles.backward.count((long) images * shape.outPixels(), 1);
    }

    /**
     * Computes the gradient of a frame's z.
     *
     * @param dzAfter that of the frame after; null: this is the last one
     * @param cellBefore null: this is the first frame
     * @param dHidden the gradient of the hidden state from the layer after
     * @param dCell the gradient of the frame's cell from the frame after, which that of the cell before replaces
     * @param biasSums ({@link #biasParts}, gates, filters)
     */
    public void backwardStep(int images, DeviceMemory dzAfter, DeviceMemory gates, DeviceMemory cellBefore,
            DeviceMemory dHidden, DeviceMemory dCell, DeviceMemory dz, DeviceMemory biasSums) {
        long pixels = (long) images * shape.outPixels();
        backwardStep.launch(Dim.of(tiles.backward.count(pixels, filters)), tiles.backward.block(),
                tiles.backward.sharedBytes(), dzAfter, backwardWeights.memory(), gates, cellBefore, dHidden, dCell,
                dz, biasSums, images);
    }

    @Override
    public void close() {
        Closing closing = new Closing();
        closing.add(stepWeights::close);
        if (backwardWeights != null) {
            closing.add(backwardWeights::close);
        }
        closing.run();
    }
}
