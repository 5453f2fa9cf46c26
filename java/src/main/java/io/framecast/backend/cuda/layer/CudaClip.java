package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.ClipOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;

/** A clip by norm by cuda-kernels/clip.cu. */
final class CudaClip implements ClipOp {

    private final Tensor gradients;
    private final double norm;
    private final CudaKernel.Dim grid;
    private final CudaKernel squares;
    private final CudaKernel scale;
    /** The partial sums of the blocks, in double. */
    private final DeviceArena.Region sums;

    CudaClip(CudaOps ops, Tensor gradients, double norm) {
        this.gradients = gradients;
        this.norm = norm;
        this.grid = ops.rowGrid(gradients.size());
        this.squares = ops.kernel("clip.cu", "sumSquares");
        this.scale = ops.kernel("clip.cu", "clipByNorm");
        this.sums = ops.arena().reserve((long) Double.BYTES * grid.x());
    }

    @Override
    public void clip() {
        squares.launch(grid, CudaOps.BLOCK, 0, memory(gradients), sums.memory(), gradients.size());
        scale.launch(grid, CudaOps.BLOCK, 0, memory(gradients), sums.memory(), gradients.size(), (float) norm);
    }

    @Override
    public void close() {
        sums.close();
    }
}
