package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;

/** A loss by cuda-kernels/loss.cu. */
final class CudaLoss implements LossOp {

    private final CudaOps ops;
    private final CudaKernel kernel;
    private final CudaKernel mean;
    private final Tensor gradient;
    private final Tensor result;
    /** The partial sums of the blocks, in double. */
    private final DeviceArena.Region sums;

    CudaLoss(CudaOps ops, Loss loss, long size) {
        this.ops = ops;
        this.kernel = ops.kernel("loss.cu", switch (loss) {
            case BINARY_CROSSENTROPY_FROM_LOGITS -> "binaryCrossentropyFromLogits";
            case BINARY_CROSSENTROPY -> "binaryCrossentropy";
            case MEAN_SQUARED_ERROR -> "meanSquaredError";
        });
        this.mean = ops.kernel("loss.cu", "lossMean");
        this.gradient = ops.zeros(size);
        this.result = ops.zeros(1);
        this.sums = ops.arena().reserve((long) Double.BYTES * ops.rowGrid(size).x());
    }

    @Override
    public void forward(Tensor outputs, Tensor targets, long size, double weight,
            boolean withGradient) {
        CudaKernel.Dim grid = ops.rowGrid(size);
        kernel.launch(grid, CudaOps.BLOCK, 0, memory(outputs), memory(targets), withGradient ? memory(gradient) : null,
                sums.memory(), size, (float) (weight / size));
        mean.launch(CudaKernel.Dim.of(1), CudaOps.BLOCK, 0, sums.memory(), grid.x(), size, memory(result));
    }

    @Override
    public double value() {
        return result.read()[0];
    }

    @Override
    public Tensor gradient() {
        return gradient;
    }

    @Override
    public void close() {
        gradient.close();
        result.close();
        sums.close();
    }
}
