package io.framecast.backend.cpu;

import io.framecast.FramecastException;
import io.framecast.backend.AdamOp;
import io.framecast.backend.Backend;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Ceilings;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Op;
import io.framecast.backend.OpCost;
import io.framecast.backend.Plan;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.cpu.NativeCpu;
import io.framecast.text.Count;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * The CPU: convolutions by oneDNN, everything else by native/cpu.
 *
 * <p>With {@link Precision#BF16}, convolutions multiply bfloat16 values. Where the processor has units for that
 * (AVX512-BF16, AMX, AVX-NE-CONVERT) the values are stored as bfloat16; elsewhere they are rounded to bfloat16 but
 * stored and multiplied as float32, which gives the same products.
 */
public final class CpuBackend implements Backend {

    /** How the operands of convolutions are stored, as native/cpu/device.h numbers it. */
    public enum Operands {
        F32, BF16, ROUNDED
    }

    /** Large enough for a processor's best: each thread's part of the product is work for milliseconds. */
    private static final int MATMUL_SIZE = 2048;

    /** Beyond the caches of most machines. */
    private static final long COPY_BYTES = 128L << 20;

    private final NativeCpu.Device device;
    private final Precision precision;
    private final Operands operands;

    /**
     * @param threads how many threads compute; 0 takes as many as {@link Processor#threads}
     * @throws FramecastException if this processor cannot serve, or the precision is not for CPUs
     */
    public CpuBackend(Precision precision, int threads) {
        this(precision, threads, operands(precision));
    }

    private static Operands operands(Precision precision) {
        return switch (precision) {
            case FP32 -> Operands.F32;
            case BF16 -> nativeBf16() ? Operands.BF16 : Operands.ROUNDED;
            case TF32 -> throw new FramecastException(
                    "--precision tf32 is for CUDA devices only; on the CPU choose fp32 or bf16.");
        };
    }

    /** Whether this processor has units for bfloat16, so that {@link Precision#BF16} is faster than fp32. */
    public static boolean nativeBf16() {
        load();
        return NativeCpu.Device.native_bf16();
    }

    /** The same with the operands' storage given, so that tests can compare the ways of bfloat16. */
    public CpuBackend(Precision precision, int threads, Operands operands) {
        load();
        this.precision = precision;
        this.operands = operands;
        this.device = call(() -> new NativeCpu.Device(threads > 0 ? threads : Processor.threads(),
                operands.ordinal()));
    }

    private static void load() {
        Processor.requireSupported();
        NativeCpu.load();
    }

    @Override
    public String description() {
        String isa = NativeCpu.Device.isa().replaceFirst("^cpu_isa_", "").replace('_', '-');
        return "CPU, " + Count.of(device.threads(), "thread") + ", oneDNN for " + isa;
    }

    @Override
    public Precision precision() {
        return precision;
    }

    @Override
    public Tensor tensor(long size) {
        return CpuTensor.allocate(device, size);
    }

    @Override
    public ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias) {
        return new CpuConvLstm(device, spec, plan, kernel, recurrentKernel, bias);
    }

    @Override
    public Op batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        return new CpuBatchNorm(device, spec, plan, gamma, beta, movingMean, movingVariance);
    }

    @Override
    public Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        return new CpuConv3d(device, spec, plan, kernel, bias);
    }

    @Override
    public Op spaceToDepth(SpaceToDepthSpec spec, Plan plan) {
        return new CpuSpaceToDepth(device, spec, plan);
    }

    @Override
    public LossOp loss(Loss loss, long size) {
        return new CpuLoss(device, loss, size);
    }

    @Override
    public AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        return new CpuAdam(device, parameters, gradients, beta1, beta2, epsilon);
    }

    /** The work as it comes. */
    @Override
    public Program program(Runnable work) {
        return new Program() {
            @Override
            public void run() {
                work.run();
            }

            @Override
            public void close() {
                // It holds nothing.
            }
        };
    }

    @Override
    public OptionalInt threads() {
        return OptionalInt.of(device.threads());
    }

    /** Products of matrices by oneDNN, of bfloat16 where the processor has units for it; copies by its memcpy. */
    @Override
    public Ceilings measureCeilings() {
        return call(() -> {
            double fp32 = NativeCpu.matmul_flops(device, MATMUL_SIZE, false);
            double bf16 = nativeBf16() ? NativeCpu.matmul_flops(device, MATMUL_SIZE, true) : Double.NaN;
            return new Ceilings(operands == Operands.BF16 ? bf16 : fp32, fp32, bf16,
                    NativeCpu.copy_bytes(device, COPY_BYTES));
        });
    }

    @Override
    public long peakBytes() {
        return device.peak_bytes();
    }

    @Override
    public void setProfiling(boolean on) {
        device.set_profiling(on);
    }

    @Override
    public List<OpCost> takeProfile() {
        return device.take_profile().lines().map(line -> line.split("\t")).map(cost -> new OpCost(cost[0],
                Double.parseDouble(cost[1]), Double.parseDouble(cost[2]), Double.parseDouble(cost[3]))).toList();
    }

    /** The bytes of native memory held now: 0 when all that was made is closed. */
    public long bytesInUse() {
        return device.bytes_in_use();
    }

    @Override
    public void close() {
        device.close();
    }

    /**
     * Runs a native call that may fail for want of memory or of a oneDNN implementation.
     *
     * @throws FramecastException with what C++ said
     */
    static <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (FramecastException e) {
            throw e;
        } catch (RuntimeException e) {
            String hint = String.valueOf(e.getMessage()).startsWith("out of memory")
                    ? "; choose a smaller --batch-size, shorter videos or a smaller model" : "";
            throw new FramecastException("The CPU backend failed: " + e.getMessage() + hint + ".", e);
        }
    }
}
