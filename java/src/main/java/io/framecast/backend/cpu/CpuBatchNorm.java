package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.DataParallel;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;
import java.util.Arrays;
import org.bytedeco.javacpp.DoublePointer;

/** See native/cpu/batch_norm.h. */
final class CpuBatchNorm implements BatchNormOp {

    private final CpuOps ops;
    private final DataParallel dataParallel;
    private final NativeCpu.BatchNorm op;
    private final int channels;
    private final long pixels;
    private long rows;
    private boolean padding;

    CpuBatchNorm(CpuOps ops, DataParallel dataParallel, BatchNormSpec spec, Plan plan, Weights gamma, Weights beta,
            Tensor movingMean, Tensor movingVariance) {
        this.ops = ops;
        this.dataParallel = dataParallel;
        channels = spec.channels();
        pixels = (long) spec.height() * spec.width();
        op = call(() -> new NativeCpu.BatchNorm(ops.device(), pixels * plan.frames() * plan.batch(), channels,
                spec.epsilon(), spec.momentum(), pointer(gamma.value()), pointer(beta.value()), pointer(movingMean),
                pointer(movingVariance), pointer(gamma.gradient()), pointer(beta.gradient())));
    }

    @Override
    public void setPadding(boolean padding) {
        this.padding = padding;
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        rows = pixels * frames * batch;
        long count = training ? addOthers(op.sums(pointer(x), rows), rows) : 0;
        return ops.view(op, call(() -> op.forward(pointer(x), rows, count)), rows * channels);
    }

    @Override
    public Tensor backward(Tensor dy) {
        DoublePointer sums = op.gradient_sums(pointer(dy));
        double[] own = new double[2 * channels];
        sums.get(own);
        addOthers(sums, 0);
        if (padding) {
            sums.put(own); // Zeros: no statistics depend on padding.
        }
        return ops.view(op, call(() -> op.backward(pointer(dy))), rows * channels);
    }

    /**
     * Replaces the sums of this process's rows by those over all processes, which are added in the order of rank.
     *
     * @param sums (2, channels)
     * @param count of these rows
     * @return the count of all rows
     */
    private long addOthers(DoublePointer sums, long count) {
        if (!dataParallel.globalBatchNorm()) {
            return count;
        }
        double[] own = new double[2 * channels + 1];
        if (!padding) {
            sums.get(own, 0, 2 * channels);
            own[2 * channels] = count;
        }
        double[] all = dataParallel.group().allGather(own);
        double[] total = Arrays.copyOf(all, own.length);
        for (int k = own.length; k < all.length; k++) {
            total[k % own.length] += all[k];
        }
        sums.put(total, 0, 2 * channels);
        return (long) total[2 * channels];
    }

    @Override
    public void close() {
        op.close();
    }
}
