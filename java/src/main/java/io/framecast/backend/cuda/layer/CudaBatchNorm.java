package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;

/** Batch normalisation by cuda-kernels/batch_norm.cu. Backward overwrites the output's gradient with the input's. */
final class CudaBatchNorm implements Op {

    private static final String FILE = "batch_norm.cu";
    /** Values of a channel: count, mean and sum of squared deviations. */
    private static final int MOMENTS = 3;
    /** Values of a channel that the statistics leave for normalising and for backward. */
    private static final int CONSTANTS = 7;

    private final BatchNormSpec spec;
    private final Weights gamma;
    private final Weights beta;
    private final Tensor movingMean;
    private final Tensor movingVariance;

    private final CudaOps ops;
    private final OpResources resources;
    private final Columns columns;
    private final CudaKernel moments;
    private final CudaKernel statistics;
    private final CudaKernel movingStatistics;
    private final CudaKernel normalise;
    private final CudaKernel sums;
    private final CudaKernel gradients;
    private final CudaKernel backward;
    private final DeviceArena.Region y;
    private final DeviceArena.Region partial;
    private final DeviceArena.Region constants;

    private Tensor x;
    private int rows;

    CudaBatchNorm(CudaOps ops, BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        this.ops = ops;
        this.spec = spec;
        this.gamma = gamma;
        this.beta = beta;
        this.movingMean = movingMean;
        this.movingVariance = movingVariance;
        resources = new OpResources(ops.arena(), plan.batch());
        columns = new Columns(ops, rows(plan.frames(), plan.batch()), spec.channels());
        moments = columns.kernel(FILE, "batchNormMoments");
        statistics = ops.kernel(FILE, "batchNormStatistics");
        movingStatistics = ops.kernel(FILE, "batchNormMovingStatistics");
        normalise = columns.kernel(FILE, "batchNormNormalise");
        sums = columns.kernel(FILE, "batchNormSums");
        gradients = ops.kernel(FILE, "batchNormGradients");
        backward = columns.kernel(FILE, "batchNormBackward");
        y = resources.perVideo(columns.rows() * spec.channels());
        partial = resources.scratch((long) MOMENTS * columns.parts() * spec.channels());
        constants = resources.fixed((long) CONSTANTS * spec.channels());
    }

    private int rows(int frames, int batch) {
        return Math.toIntExact((long) spec.height() * spec.width() * frames * batch);
    }

    @Override
    public Tensor forward(Tensor input, int frames, int batch, boolean training) {
        x = input;
        rows = rows(frames, batch);
        int channels = spec.channels();
        if (training) {
            CudaKernel.Dim grid = columns.grid(rows);
            moments.launch(grid, CudaOps.BLOCK, 0, memory(x), partial.memory(), rows, channels);
            statistics.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, memory(x), partial.memory(), grid.x(), rows,
                    channels, memory(gamma.value()), memory(beta.value()), (float) spec.epsilon(),
                    (float) (1 - spec.momentum()), memory(movingMean), memory(movingVariance), constants.memory());
        } else {
            movingStatistics.launch(ops.itemGrid(channels), CudaOps.BLOCK, 0, memory(movingMean),
                    memory(movingVariance), channels, memory(gamma.value()), memory(beta.value()),
                    (float) spec.epsilon(), constants.memory());
        }
        normalise.launch(columns.passGrid(rows), CudaOps.BLOCK, 0, memory(x), constants.memory(), y.memory(), rows,
                channels);
        return ops.view(y, (long) rows * channels);
    }

    @Override
    public Tensor backward(Tensor dy) {
        int channels = spec.channels();
        CudaKernel.Dim grid = columns.grid(rows);
        sums.launch(grid, CudaOps.BLOCK, 0, memory(x), memory(dy), constants.memory(), partial.memory(), rows,
                channels);
        gradients.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, partial.memory(), grid.x(), rows, channels,
                constants.memory(), memory(gamma.gradient()), memory(beta.gradient()));
        backward.launch(columns.passGrid(rows), CudaOps.BLOCK, 0, memory(x), memory(dy), constants.memory(),
                memory(dy), rows, channels);
        return dy.slice(0, (long) rows * channels);
    }

    @Override
    public void close() {
        resources.close();
    }
}
