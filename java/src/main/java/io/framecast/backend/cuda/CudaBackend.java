package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Activation;
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
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.FetchListener;
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
import io.framecast.backend.cuda.collective.Collectives;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.KernelConvolutions;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.driver.CudaException;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.ModuleSource;
import io.framecast.backend.cuda.layer.CudaLayers;
import io.framecast.backend.cuda.tensorcore.Operand;
import io.framecast.backend.cuda.tensorcore.TensorCoreConvolutions;
import io.framecast.backend.cuda.vendor.VendorConvolutions;
import io.framecast.backend.guard.OpGuard;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Computes on a CUDA device, NVIDIA's or the software one, with this project's kernels, and with cuDNN's and cuBLAS's
 * convolutions if those are chosen.
 */
public final class CudaBackend implements Backend {

    /** The compute capability from which on tensor cores have bfloat16 and tf32. */
    private static final int TENSOR_CORES = 80;

    private final Precision precision;
    private final CudaDevice device;
    private final CudaOps ops;
    private final OpGuard guard;
    private final ConvolutionFamily convolutions;
    private final CudaLayers layers;
    private final boolean graphs;
    private final boolean listing;
    private final DataParallel dataParallel;
    /** Null: one process. */
    private final Collectives collectives;

    /**
     * As the constructor with all arguments: one process, and {@link FetchListener#NONE}.
     *
     * @throws FramecastException if there is no such device, it fails, or it does not support the precision
     */
    public CudaBackend(boolean software, Precision precision, Convolutions convolutions, boolean graphs) {
        this(software, precision, convolutions, graphs, FetchListener.NONE, DataParallel.NONE);
    }

    /**
     * @param software whether to use the software device instead of NVIDIA's driver
     * @param precision what convolutions multiply; bf16 and tf32 only on devices of compute capability 8.0 and later
     * @param graphs whether programs are captured as CUDA graphs and replayed; else each run launches every kernel
     * @param compiler is told when the compiler of kernels has to be fetched
     * @param dataParallel the processes that it trains with, which it does not close
     * @throws FramecastException if there is no such device, it fails, or it does not support the precision
     */
    public CudaBackend(boolean software, Precision precision, Convolutions convolutions, boolean graphs,
            FetchListener compiler, DataParallel dataParallel) {
        this(precision, graphs, false, dataParallel, CudaDevice.open(software, dataParallel.group()),
                convolutions, device -> new CudaOps(device, new KernelImages(System.getenv(), compiler)),
                CudaBackend::requireWorking);
    }

    private CudaBackend(Precision precision, boolean graphs, boolean listing, DataParallel dataParallel,
            CudaDevice device, Convolutions convolutions, Function<CudaDevice, CudaOps> ops,
            Consumer<CudaBackend> check) {
        this.dataParallel = dataParallel;
        this.graphs = graphs;
        this.listing = listing;
        this.device = device;
        this.ops = ops.apply(device);
        guard = this.ops.guard();
        this.precision = precision;
        collectives = dataParallel.group().size() == 1 ? null
                : new Collectives(device, dataParallel.group(), System.getenv());
        try {
            requireTensorCores();
            this.convolutions = family(convolutions);
            // The vendors' convolutions read and write float32 values.
            layers = new CudaLayers(this.ops, this.convolutions, convolutions == Convolutions.VENDOR
                    || precision == Precision.FP32 ? null : Operand.of(precision), collectives,
                    dataParallel.globalBatchNorm());
            check.accept(this);
        } catch (RuntimeException e) {
            Closing closing = new Closing();
            closing.add(device::close);
            closing.runAfter(e);
            throw e;
        }
    }

    /**
     * A backend that lists, as {@link #loadedModules}, which kernels would run on a GPU, with our own convolutions. It
     * works on the software device, with empty kernels: all results are meaningless.
     *
     * @param gpu by which ops choose their kernels
     * @throws FramecastException if the software device cannot be used, or the GPU does not support the precision
     */
    public static CudaBackend listing(CudaDriver.Device gpu, Precision precision, Convolutions convolutions) {
        return new CudaBackend(precision, false, true, DataParallel.NONE, CudaDevice.openAs(gpu), convolutions,
                CudaOps::listing, backend -> { });
    }

    private ConvolutionFamily family(Convolutions convolutions) {
        KernelConvolutions kernels = new KernelConvolutions(ops);
        if (convolutions == Convolutions.VENDOR) {
            return new VendorConvolutions(ops, kernels, precision);
        }
        return precision == Precision.FP32 ? kernels : new TensorCoreConvolutions(ops, Operand.of(precision));
    }

    /** Whether tensor cores have bf16 and tf32 on GPUs of this compute capability, ten times the version. */
    public static boolean hasTensorCores(int computeCapability) {
        return computeCapability >= TENSOR_CORES;
    }

    private void requireTensorCores() {
        int compute = device.computeCapability();
        if (precision != Precision.FP32 && !hasTensorCores(compute)) {
            throw new FramecastException("GPUs multiply in " + precision.name().toLowerCase(Locale.ROOT)
                    + " from compute capability 8.0 on, and this one has " + compute / 10 + "." + compute % 10
                    + "; use fp32.", Remedy.DEFAULT_PRECISION);
        }
    }

    /** Whether to capture programs as CUDA graphs: yes, unless the environment has FRAMECAST_CUDA_GRAPHS=off. */
    public static boolean graphs(Map<String, String> environment) {
        return !"off".equals(environment.get("FRAMECAST_CUDA_GRAPHS"));
    }

    /** Compiles, loads and runs a small kernel, so that what is missing is reported before a model is built. */
    private void requireWorking() {
        float[] values = {-1, 2, -3, 4};
        try (Tensor tensor = tensor(values.length)) {
            tensor.write(values);
            ops.kernel("activations.cu", "activateForward").launch(ops.rowGrid(values.length), CudaOps.BLOCK, 0,
                    CudaOps.memory(tensor), (long) values.length, Activation.RELU.ordinal());
            if (!Arrays.equals(new float[] {0, 2, 0, 4}, tensor.read())) {
                throw new FramecastException("The CUDA device " + description() + " computes wrongly; check it with "
                        + "nvidia-smi, or use the CPU.", Remedy.CPU);
            }
        }
    }

    /** Also how values are exchanged with other processes, and if not by NCCL, why; once that is known. */
    @Override
    public String description() {
        return device.description() + Optional.ofNullable(collectives).flatMap(Collectives::description)
                .map(way -> ", with other processes by " + way).orElse("");
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
                () -> layers.convLstm(spec, plan, kernel, recurrentKernel, bias));
    }

    @Override
    public BatchNormOp batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        return guard.batchNorm(spec, plan, gamma, beta, movingMean, movingVariance,
                () -> layers.batchNorm(spec, plan, gamma, beta, movingMean, movingVariance));
    }

    @Override
    public Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        return guard.conv3d(spec, plan, kernel, bias, () -> layers.conv3d(spec, plan, kernel, bias));
    }

    @Override
    public Op conv3dTranspose(Conv3dTransposeSpec spec, Plan plan, Weights kernel, Weights bias) {
        return guard.conv3dTranspose(spec, plan, kernel, bias,
                () -> layers.conv3dTranspose(spec, plan, kernel, bias));
    }

    @Override
    public Op layerNorm(LayerNormSpec spec, Plan plan, Weights gamma, Weights beta) {
        return guard.layerNorm(spec, plan, gamma, beta, () -> layers.layerNorm(spec, plan, gamma, beta));
    }

    @Override
    public Op elementwise(ElementwiseSpec spec, Plan plan) {
        return guard.elementwise(spec, plan, () -> layers.elementwise(spec, plan));
    }

    @Override
    public Op pooling(PoolingSpec spec, Plan plan) {
        return guard.pooling(spec, plan, () -> layers.pooling(spec, plan));
    }

    @Override
    public Op upSampling(UpSamplingSpec spec, Plan plan) {
        return guard.upSampling(spec, plan, () -> layers.upSampling(spec, plan));
    }

    @Override
    public Op spaceToDepth(SpaceToDepthSpec spec, Plan plan) {
        return guard.spaceToDepth(spec, plan, () -> layers.spaceToDepth(spec, plan));
    }

    @Override
    public ConvLstmOp blockMatching(BlockMatchingSpec spec, Plan plan) {
        return guard.blockMatching(spec, plan, () -> layers.blockMatching(spec, plan));
    }

    @Override
    public MultiInputOp add(AddSpec spec, Plan plan) {
        return guard.add(spec, plan, () -> layers.add(spec, plan));
    }

    @Override
    public MultiInputOp concatenate(ConcatenateSpec spec, Plan plan) {
        return guard.concatenate(spec, plan, () -> layers.concatenate(spec, plan));
    }

    @Override
    public MultiInputOp layeredAdvection(LayeredAdvectionSpec spec, Plan plan) {
        return guard.layeredAdvection(spec, plan, () -> layers.layeredAdvection(spec, plan));
    }

    @Override
    public LossOp loss(Loss loss, long size) {
        return guard.loss(size, () -> layers.loss(loss, size));
    }

    @Override
    public MuonOp muon(Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum) {
        return guard.muon(parameters, gradients, matrices, momentum,
                () -> layers.muon(parameters, gradients, matrices, momentum));
    }

    @Override
    public AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        return guard.adam(parameters, gradients, () -> layers.adam(parameters, gradients, beta1, beta2, epsilon));
    }

    @Override
    public ClipOp clip(Tensor gradients, double norm) {
        return guard.clip(gradients, norm, () -> layers.clip(gradients, norm));
    }

    @Override
    public BlendOp blend(int rows) {
        return guard.blend(rows, () -> layers.blend(rows));
    }

    @Override
    public AllReduceOp allReduce(List<Tensor> buckets) {
        return guard.allReduce(buckets, () -> layers.allReduce(buckets));
    }

    @Override
    public Program program(Runnable work) {
        return guard.program(() -> new CudaProgram(device,
                () -> graphs && (collectives == null || collectives.canBeCaptured()), work));
    }

    /**
     * Unknown for the software device, whose times say nothing, and where the kernel of the product cannot be had. A
     * backend that lists kernels lists that one.
     */
    @Override
    public Ceilings measureCeilings() {
        guard.requireOpen();
        if (device.isSoftware() && !listing) {
            return Ceilings.UNKNOWN;
        }
        try {
            return CudaCeilings.measure(ops, convolutions, precision);
        } catch (CudaException e) {
            throw e;
        } catch (FramecastException e) {
            return Ceilings.UNKNOWN;
        }
    }

    @Override
    public void setProfiling(boolean on) {
        synchronized (guard) {
            guard.requireOpen();
            device.setProfiling(on);
        }
    }

    /** A cost for each kernel of this project, by its name; operations and bytes are not known. */
    @Override
    public List<OpCost> takeProfile() {
        synchronized (guard) {
            guard.requireOpen();
            return device.takeProfile().entrySet().stream()
                    .map(kernel -> new OpCost(kernel.getKey(), kernel.getValue(), Double.NaN, Double.NaN)).toList();
        }
    }

    /** The sources of all kernels that were loaded. */
    public Set<ModuleSource> loadedModules() {
        return ops.loadedModules();
    }

    @Override
    public long peakBytes() {
        guard.requireOpen();
        return ops.arena().peak();
    }

    @Override
    public void close() {
        synchronized (guard) {
            if (guard.close()) {
                device.close();
            }
        }
    }
}
