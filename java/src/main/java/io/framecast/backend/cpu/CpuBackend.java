package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.AdamOp;
import io.framecast.backend.AddSpec;
import io.framecast.backend.AllReduceOp;
import io.framecast.backend.Backend;
import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.BlendOp;
import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.Ceilings;
import io.framecast.backend.ClipOp;
import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Conv3dTransposeSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.DataParallel;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Matrices;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Op;
import io.framecast.backend.OpCost;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.backend.Weights;
import io.framecast.backend.guard.OpGuard;
import io.framecast.cpu.NativeCpu;
import io.framecast.system.Processor;
import io.framecast.text.Count;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Computes on the CPU with native/cpu. Most ConvLSTMs use its own Winograd convolutions; the others, and Conv3D, use
 * oneDNN's convolutions.
 *
 * <p>With {@link Precision#BF16}, convolutions multiply bfloat16 values. On a processor with bfloat16 instructions
 * (AVX512-BF16, AMX, AVX-NE-CONVERT) these are stored as bfloat16. On others they are rounded to bfloat16 but stored
 * and multiplied as float32, which gives the same products.
 */
public final class CpuBackend implements Backend {

    /** How the operands of convolutions are stored; see native/cpu/enums.h. */
    public enum Operands {
        F32, BF16, ROUNDED
    }

    /** Large enough for a processor's peak rate: each thread computes for milliseconds. */
    private static final int MATMUL_SIZE = 2048;

    /** More than the caches of most machines hold. */
    private static final long COPY_BYTES = 128L << 20;

    private final OpGuard guard = new OpGuard();
    private final NativeCpu.Device device;
    private final CpuOps ops;
    private final Precision precision;
    private final Operands operands;
    private final DataParallel dataParallel;

    /**
     * @param threads how many threads compute; 0 for as many as {@link Processor#threads}
     * @throws FramecastException if the native code does not run on this processor, or the precision is not for CPUs
     */
    public CpuBackend(Precision precision, int threads) {
        this(precision, threads, DataParallel.NONE);
    }

    /** The same as one of several processes, which this backend does not close. */
    public CpuBackend(Precision precision, int threads, DataParallel dataParallel) {
        this(precision, threads, operands(precision), dataParallel);
    }

    private static Operands operands(Precision precision) {
        return switch (precision) {
            case FP32 -> Operands.F32;
            case BF16 -> nativeBf16() ? Operands.BF16 : Operands.ROUNDED;
            case TF32 -> throw new FramecastException(
                    "The precision tf32 is for CUDA devices only; on the CPU choose fp32 or bf16.",
                    Remedy.DEFAULT_PRECISION);
        };
    }

    /** Whether this processor has bfloat16 instructions, so that {@link Precision#BF16} is faster than fp32. */
    public static boolean nativeBf16() {
        load();
        return NativeCpu.Device.native_bf16();
    }

    /** With a given storage of operands, so that tests can compare both forms of bfloat16. */
    public CpuBackend(Precision precision, int threads, Operands operands) {
        this(precision, threads, operands, DataParallel.NONE);
    }

    private CpuBackend(Precision precision, int threads, Operands operands, DataParallel dataParallel) {
        load();
        this.dataParallel = dataParallel;
        this.precision = precision;
        this.operands = operands;
        this.device = call(() -> new NativeCpu.Device(threads > 0 ? threads : Processor.threads(),
                operands.name()));
        this.ops = new CpuOps(device, guard);
    }

    private NativeCpu.Device open() {
        guard.requireOpen();
        return device;
    }

    private static void load() {
        Processor.requireSupported();
        NativeCpu.load();
    }

    @Override
    public String description() {
        String isa = NativeCpu.Device.isa().replaceFirst("^cpu_isa_", "").replace('_', '-');
        return "CPU, " + Count.of(open().threads(), "thread") + ", oneDNN for " + isa;
    }

    @Override
    public Precision precision() {
        return precision;
    }

    @Override
    public DataParallel dataParallel() {
        return dataParallel;
    }

    @Override
    public Tensor tensor(long size) {
        synchronized (guard) {
            guard.requireTensorSize(size);
            return ops.zeros(size);
        }
    }

    @Override
    public ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias) {
        return guard.convLstm(spec, plan, kernel, recurrentKernel, bias,
                () -> new CpuConvLstm(ops, spec, plan, kernel, recurrentKernel, bias));
    }

    @Override
    public BatchNormOp batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        return guard.batchNorm(spec, plan, gamma, beta, movingMean, movingVariance,
                () -> new CpuBatchNorm(ops, dataParallel, spec, plan, gamma, beta, movingMean, movingVariance));
    }

    @Override
    public Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        return guard.conv3d(spec, plan, kernel, bias, () -> new CpuConv3d(ops, spec, plan, kernel, bias));
    }

    @Override
    public Op conv3dTranspose(Conv3dTransposeSpec spec, Plan plan, Weights kernel, Weights bias) {
        return guard.conv3dTranspose(spec, plan, kernel, bias,
                () -> new CpuConv3dTranspose(ops, spec, plan, kernel, bias));
    }

    @Override
    public Op layerNorm(LayerNormSpec spec, Plan plan, Weights gamma, Weights beta) {
        return guard.layerNorm(spec, plan, gamma, beta, () -> new CpuLayerNorm(ops, spec, plan, gamma, beta));
    }

    @Override
    public Op elementwise(ElementwiseSpec spec, Plan plan) {
        return guard.elementwise(spec, plan, () -> new CpuElementwise(ops, spec, plan));
    }

    @Override
    public Op pooling(PoolingSpec spec, Plan plan) {
        return guard.pooling(spec, plan, () -> new CpuPooling(ops, spec, plan));
    }

    @Override
    public Op upSampling(UpSamplingSpec spec, Plan plan) {
        return guard.upSampling(spec, plan, () -> new CpuUpSampling(ops, spec, plan));
    }

    @Override
    public Op spaceToDepth(SpaceToDepthSpec spec, Plan plan) {
        return guard.spaceToDepth(spec, plan, () -> new CpuSpaceToDepth(ops, spec, plan));
    }

    @Override
    public ConvLstmOp blockMatching(BlockMatchingSpec spec, Plan plan) {
        return guard.blockMatching(spec, plan, () -> new CpuBlockMatching(ops, spec, plan));
    }

    @Override
    public MultiInputOp add(AddSpec spec, Plan plan) {
        return guard.add(spec, plan, () -> new CpuAdd(ops, spec, plan));
    }

    @Override
    public MultiInputOp concatenate(ConcatenateSpec spec, Plan plan) {
        return guard.concatenate(spec, plan, () -> new CpuConcatenate(ops, spec, plan));
    }

    @Override
    public MultiInputOp layeredAdvection(LayeredAdvectionSpec spec, Plan plan) {
        return guard.layeredAdvection(spec, plan, () -> new CpuLayeredAdvection(ops, spec, plan));
    }

    @Override
    public LossOp loss(Loss loss, long size) {
        return guard.loss(size, () -> new CpuLoss(ops, loss, size));
    }

    @Override
    public MuonOp muon(Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum) {
        return guard.muon(parameters, gradients, matrices, momentum,
                () -> new CpuMuon(ops, parameters, gradients, matrices, momentum));
    }

    @Override
    public AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        return guard.adam(parameters, gradients,
                () -> new CpuAdam(ops, parameters, gradients, beta1, beta2, epsilon));
    }

    @Override
    public ClipOp clip(Tensor gradients, double norm) {
        return guard.clip(gradients, norm, () -> new CpuClip(ops, gradients, norm));
    }

    @Override
    public BlendOp blend(int rows) {
        return guard.blend(rows, () -> new CpuBlend(ops, rows));
    }

    /** Runs the work each time: there is nothing to record. */
    @Override
    public AllReduceOp allReduce(List<Tensor> buckets) {
        return guard.allReduce(buckets, () -> new CpuAllReduce(dataParallel.group(), buckets));
    }

    @Override
    public Program program(Runnable work) {
        return guard.program(() -> new Program() {
            @Override
            public void run() {
                work.run();
            }

            @Override
            public void close() {
                // Nothing was made.
            }
        });
    }

    @Override
    public OptionalInt threads() {
        return OptionalInt.of(open().threads());
    }

    /** By oneDNN's matrix product, of bfloat16 if the processor has instructions for it, and by memcpy. */
    @Override
    public Ceilings measureCeilings() {
        open();
        return call(() -> {
            double fp32 = NativeCpu.matmul_flops(device, MATMUL_SIZE, false);
            double bf16 = nativeBf16() ? NativeCpu.matmul_flops(device, MATMUL_SIZE, true) : Double.NaN;
            return new Ceilings(operands == Operands.BF16 ? bf16 : fp32, fp32, bf16,
                    NativeCpu.copy_bytes(device, COPY_BYTES));
        });
    }

    @Override
    public long peakBytes() {
        return open().peak_bytes();
    }

    @Override
    public void setProfiling(boolean on) {
        open().profile().enable(on);
    }

    @Override
    public List<OpCost> takeProfile() {
        NativeCpu.Profile profile = open().profile();
        List<OpCost> costs = new ArrayList<>();
        for (int k = 0; k < profile.size(); k++) {
            NativeCpu.OpCost cost = profile.cost(k);
            costs.add(new OpCost(cost.op(), cost.seconds(), cost.flop(), cost.bytes()));
        }
        profile.clear();
        return costs;
    }

    /** The bytes of native memory in use: 0 when all ops and tensors are closed. */
    public long bytesInUse() {
        return open().bytes_in_use();
    }

    @Override
    public void close() {
        synchronized (guard) {
            guard.close();
            device.close();
        }
    }
}
