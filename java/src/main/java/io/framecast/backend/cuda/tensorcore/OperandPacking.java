package io.framecast.backend.cuda.tensorcore;

import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/** The kernels of operands.cu: float values as operands of tensor cores. */
final class OperandPacking {

    private static final String FILE = "operands.cu";

    private final CudaOps ops;
    private final Operand operand;
    private final List<String> options;

    OperandPacking(CudaOps ops, Operand operand) {
        this.ops = ops;
        this.operand = operand;
        this.options = List.of(operand.option());
    }

    /** Rounds x (rows, channels) to operands (rows, padded channels). */
    void rows(DeviceMemory x, DeviceMemory to, long rows, int channels) {
        int padded = operand.padded(channels);
        long chunks = rows * padded * operand.bytes() / 16;
        kernel("packRows" + (channels % 4 == 0 ? 4 : 1)).launch(ops.itemGrid(chunks), CudaOps.BLOCK, 0, x, to, rows,
                channels, padded);
    }

    /** Packs w (taps, inputs, outputs) to (outputs, k) for forward with a tile. */
    void forward(TensorCoreTile tile, DeviceMemory w, DeviceMemory to, int taps, int inputs, int outputs) {
        weights("packForward", tile, w, to, taps, inputs, outputs, Operand.packedColumns(outputs),
                operand.padded(inputs));
    }

    /** Packs w (taps, inputs, outputs) to (inputs, k) for backward data with a tile. */
    void data(TensorCoreTile tile, DeviceMemory w, DeviceMemory to, int taps, int inputs, int outputs) {
        weights("packData", tile, w, to, taps, inputs, outputs, Operand.packedColumns(inputs),
                operand.padded(outputs));
    }

    private void weights(String kernel, TensorCoreTile tile, DeviceMemory w, DeviceMemory to, int taps, int inputs,
            int outputs, int columns, int padded) {
        kernel(kernel).launch(ops.itemGrid((long) columns * taps * padded), CudaOps.BLOCK, 0, w, to, taps, inputs,
                outputs, padded, tile.channelBlock(operand, padded));
    }

    /**
     * Packs w (taps, inputs, gates, filters) to columns of gates, for a tile.
     *
     * @param depth the length of a column
     * @param offset of this weights' first k in it
     */
    void gates(TensorCoreTile tile, DeviceMemory w, DeviceMemory to, int taps, int inputs, int filters, int depth,
            int offset) {
        int padded = operand.padded(inputs);
        kernel("packGates").launch(ops.itemGrid((long) Operand.gateColumns(filters) * taps * padded), CudaOps.BLOCK, 0,
                w, to, taps, inputs, filters, padded, tile.channelBlock(operand, padded), depth, offset);
    }

    private CudaKernel kernel(String name) {
        return ops.kernel(FILE, name, options);
    }
}
