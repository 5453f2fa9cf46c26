package io.framecast.backend.cuda.layer;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;

/** The pointwise part of a ConvLSTM: gates, cell and hidden state of {@code n} units; see cuda-kernels/gates.cu. */
final class GatePass {

    private final CudaOps ops;
    private final int activation;
    private final int recurrentActivation;
    private final CudaKernel forward;
    private final CudaKernel backward;

    GatePass(CudaOps ops, ConvLstmSpec spec) {
        this.ops = ops;
        this.activation = spec.activation().ordinal();
        this.recurrentActivation = spec.recurrentActivation().ordinal();
        forward = ops.kernel("gates.cu", "gatesForward");
        backward = ops.kernel("gates.cu", "gatesBackward");
    }

    /**
     * Cell and hidden state of a frame.
     *
     * @param cellBefore null: zero
     * @param gates is set to the activated gates, and may be z; null: they are not stored
     */
    void forward(long n, DeviceMemory z, DeviceMemory cellBefore, DeviceMemory gates, DeviceMemory cell,
            DeviceMemory hidden) {
        forward.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, z, cellBefore, gates, cell, hidden, n, activation,
                recurrentActivation);
    }

    /**
     * The gradient of a frame's z from that of its hidden state and its cell.
     *
     * @param gates the activated gates, which the gradient of z replaces
     * @param cellBefore null: zero
     * @param dCell the gradient of the cell from the frame after; null: zero
     * @param dCellBefore is set to the gradient of the cell before, and may be dCell; null: gradient not computed
     */
    void backward(long n, DeviceMemory gates, DeviceMemory cellBefore, DeviceMemory cell, DeviceMemory dHidden,
            DeviceMemory dCell, DeviceMemory dCellBefore) {
        backward.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, gates, cellBefore, cell, dHidden, dCell, gates, dCellBefore,
                n, activation, recurrentActivation);
    }
}
