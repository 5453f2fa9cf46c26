package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.collective.Collectives;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import io.framecast.backend.cuda.tensorcore.Operand;
import java.util.List;

/** Batch normalisation by cuda-kernels/batch_norm.cu. Backward overwrites the output's gradient with the input's. */
final class CudaBatchNorm implements BatchNormOp {

    private static final String FILE = "batch_norm.cu";
    /** Values of a channel: count, mean and sum of squared deviations. */
    private static final int MOMENTS = 3;
    /** Values of a channel that the statistics leave for normalising and for backward. */
    private static final int CONSTANTS = 7;
    /** With the number of rows, if the statistics are over several processes. */
    private static final int GLOBAL_CONSTANTS = 8;
    /** Values of a channel that a process gives to the others: its moments, and their origin. */
    private static final int SHARED = 4;
    /** The same in backward: two sums. */
    private static final int SHARED_SUMS = 2;

    private final BatchNormSpec spec;
    private final Weights gamma;
    private final Weights beta;
    private final Tensor movingMean;
    private final Tensor movingVariance;

    private final CudaOps ops;
    private final OpResources resources;
    private final Columns columns;
    /** Null: neither inputs nor output are operands of tensor cores. */
    private final Operand operand;
    private final boolean operandOutput;
    private final DeviceArena.Region y;
    private final DeviceArena.Region partial;
    private final DeviceArena.Region constants;
    /** Null: the statistics are those of this process's rows. */
    private final Collectives collectives;
    private final DeviceArena.Region shared;
    private final DeviceArena.Region gathered;

    private boolean padding;
    private Tensor x;
    private int rows;
    /** Of the inputs' type, at the first call. */
    private Kernels kernels;
    /** The same for statistics over several processes. */
    private GlobalKernels globalKernels;

    private record Kernels(CudaKernel moments, CudaKernel statistics, CudaKernel movingStatistics,
            CudaKernel normalise, CudaKernel sums, CudaKernel gradients, CudaKernel backward) {

        static Kernels of(CudaOps ops, Columns columns, List<String> options) {
            return new Kernels(columns.kernel(FILE, "batchNormMoments", options),
                    ops.kernel(FILE, "batchNormStatistics", options),
                    ops.kernel(FILE, "batchNormMovingStatistics", options),
                    columns.kernel(FILE, "batchNormNormalise", options),
                    columns.kernel(FILE, "batchNormSums", options), ops.kernel(FILE, "batchNormGradients", options),
                    columns.kernel(FILE, "batchNormBackward", options));
        }
    }

    private record GlobalKernels(CudaKernel share, CudaKernel statistics, CudaKernel shareSums, CudaKernel gradients) {

        static GlobalKernels of(CudaOps ops, List<String> options) {
            return new GlobalKernels(ops.kernel(FILE, "batchNormShare", options),
                    ops.kernel(FILE, "batchNormGlobalStatistics", options),
                    ops.kernel(FILE, "batchNormShareSums", options),
                    ops.kernel(FILE, "batchNormGlobalGradients", options));
        }
    }

    /** @param collectives over whose processes the statistics are; null: over this one's rows alone */
    CudaBatchNorm(CudaOps ops, Operand operand, Collectives collectives, BatchNormSpec spec, Plan plan, Weights gamma,
            Weights beta, Tensor movingMean, Tensor movingVariance) {
        this.ops = ops;
        this.collectives = collectives;
        this.spec = spec;
        this.gamma = gamma;
        this.beta = beta;
        this.movingMean = movingMean;
        this.movingVariance = movingVariance;
        resources = new OpResources(ops.arena(), plan.batch());
        columns = new Columns(ops, rows(plan.frames(), plan.batch()), spec.channels());
        this.operand = operand;
        operandOutput = operand != null && plan.operandOutput() && operand.padded(spec.channels()) == spec.channels();
        y = resources.bytesPerVideo((operandOutput ? operand.bytes() : Float.BYTES) * columns.rows() * spec.channels());
        partial = resources.scratch((long) MOMENTS * columns.parts() * spec.channels());
        constants = resources.fixed((long) (collectives == null ? CONSTANTS : GLOBAL_CONSTANTS) * spec.channels());
        shared = collectives == null ? null : resources.fixed((long) SHARED * spec.channels());
        gathered = collectives == null ? null : resources.fixed((long) SHARED * spec.channels() * collectives.size());
    }

    /** The compiler's options for batch_norm.cu. */
    static List<String> options(Operand operand, boolean operandInput, boolean operandOutput) {
        return List.of("-DINPUT=" + (operandInput ? operand.typeName() : "Float32"),
                "-DOUTPUT=" + (operandOutput ? operand.typeName() : "Float32"));
    }

    private DeviceMemory input() {
        DeviceMemory rounded = CudaOps.operand(x);
        return rounded != null ? rounded : memory(x);
    }

    private int rows(int frames, int batch) {
        return Math.toIntExact((long) spec.height() * spec.width() * frames * batch);
    }

    @Override
    public Tensor forward(Tensor input, int frames, int batch, boolean training) {
        x = input;
        if (kernels == null) {
            List<String> options = options(operand, CudaOps.operand(x) != null, operandOutput);
            kernels = Kernels.of(ops, columns, options);
            globalKernels = collectives == null ? null : GlobalKernels.of(ops, options);
        }
        rows = rows(frames, batch);
        int channels = spec.channels();
        if (training) {
            CudaKernel.Dim grid = columns.grid(rows);
            kernels.moments.launch(grid, CudaOps.BLOCK, 0, input(), partial.memory(), rows, channels);
            if (collectives == null) {
                kernels.statistics.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, input(), partial.memory(), grid.x(),
                        rows, channels, memory(gamma.value()), memory(beta.value()), (float) spec.epsilon(),
                        (float) (1 - spec.momentum()), memory(movingMean), memory(movingVariance), constants.memory());
            } else {
                globalKernels.share.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, input(), partial.memory(), grid.x(),
                        channels, padding ? 0 : 1, shared.memory());
                globalKernels.statistics.launch(ops.itemGrid(channels), CudaOps.BLOCK, 0, gather(SHARED),
                        collectives.size(), channels, memory(gamma.value()), memory(beta.value()),
                        (float) spec.epsilon(), (float) (1 - spec.momentum()), memory(movingMean),
                        memory(movingVariance), constants.memory());
            }
        } else {
            kernels.movingStatistics.launch(ops.itemGrid(channels), CudaOps.BLOCK, 0, memory(movingMean),
                    memory(movingVariance), channels, memory(gamma.value()), memory(beta.value()),
                    (float) spec.epsilon(), constants.memory());
        }
        kernels.normalise.launch(columns.passGrid(rows), CudaOps.BLOCK, 0, input(), constants.memory(), y.memory(),
                rows, channels);
        long size = (long) rows * channels;
        return operandOutput ? ops.operandView(y, size, operand.bytes()) : ops.view(y, size);
    }

    @Override
    public Tensor backward(Tensor dy) {
        int channels = spec.channels();
        CudaKernel.Dim grid = columns.grid(rows);
        kernels.sums.launch(grid, CudaOps.BLOCK, 0, input(), memory(dy), constants.memory(), partial.memory(), rows,
                channels);
        if (collectives == null) {
            kernels.gradients.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, partial.memory(), grid.x(), rows, channels,
                    constants.memory(), memory(gamma.gradient()), memory(beta.gradient()));
        } else {
            globalKernels.shareSums.launch(columns.gatherGrid(), CudaOps.BLOCK, 0, partial.memory(), grid.x(), channels,
                    padding ? 0 : 1, constants.memory(), memory(gamma.gradient()), memory(beta.gradient()),
                    shared.memory());
            globalKernels.gradients.launch(ops.itemGrid(channels), CudaOps.BLOCK, 0, gather(SHARED_SUMS),
                    collectives.size(), channels, padding ? 0 : 1, constants.memory());
        }
        kernels.backward.launch(columns.passGrid(rows), CudaOps.BLOCK, 0, input(), memory(dy), constants.memory(),
                memory(dy), rows, channels);
        return dy.slice(0, (long) rows * channels);
    }

    /** What the processes share, (processes, values, channels). @param values of a channel */
    private DeviceMemory gather(int values) {
        long bytes = (long) Float.BYTES * values * spec.channels();
        DeviceMemory all = gathered.memory().view(0, bytes * collectives.size());
        collectives.allGather(shared.memory().view(0, bytes), all);
        return all;
    }

    @Override
    public void setPadding(boolean padding) {
        this.padding = padding;
    }

    @Override
    public void close() {
        resources.close();
    }
}
