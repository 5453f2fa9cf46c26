package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.AdamOp;
import io.framecast.backend.Backend;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.convolution.KernelConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.CudaTensor;
import io.framecast.backend.cuda.launch.DeviceArena;
import io.framecast.backend.cuda.launch.Kernels;
import io.framecast.backend.cuda.layer.CudaAdam;
import io.framecast.backend.cuda.layer.CudaBatchNorm;
import io.framecast.backend.cuda.layer.CudaConv3d;
import io.framecast.backend.cuda.layer.CudaConvLstm;
import io.framecast.backend.cuda.layer.CudaLoss;
import io.framecast.backend.cuda.layer.CudaSpaceToDepth;
import io.framecast.backend.cuda.vendor.VendorConvolutions;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/** A CUDA device, NVIDIA's or the software one: everything by this project's kernels, or convolutions by a vendor's. */
public final class CudaBackend implements Backend {

    /** Who computes convolutions. */
    public enum Convolutions {
        /** This project's kernels. */
        KERNELS,
        /** cuDNN, and cuBLAS for kernels of 1x1, of NVIDIA. */
        VENDOR
    }

    private final CudaDevice device;
    private final CudaOps ops;
    private final CudaConvolution.Factory convolutions;
    private final boolean fused;
    private final boolean graphs;

    /**
     * @param software the software device in place of NVIDIA's driver
     * @param graphs whether programs are recorded as CUDA graphs; else all their launches are made each time
     * @throws FramecastException if there is no such device, it fails, or the precision is not for it
     */
    public CudaBackend(boolean software, Precision precision, Convolutions convolutions, boolean graphs) {
        if (precision != Precision.FP32) {
            throw new FramecastException("CUDA devices compute in fp32 in this version, not in "
                    + precision.name().toLowerCase(Locale.ROOT) + "; leave --precision out.");
        }
        this.graphs = graphs;
        device = CudaDevice.open(software);
        ops = new CudaOps(device, new DeviceArena(device), new Kernels(device));
        fused = convolutions == Convolutions.KERNELS;
        CudaConvolution.Factory kernels = (shape, gates, images, sequence, training) ->
                new KernelConvolution(ops, shape, gates, images, sequence, training);
        this.convolutions = fused ? kernels : new VendorConvolutions(ops, kernels);
        try {
            requireWorking();
        } catch (RuntimeException e) {
            Closing closing = new Closing();
            closing.add(device::close);
            closing.runAfter(e);
            throw e;
        }
    }

    /** Whether programs are recorded, which is so unless the environment says FRAMECAST_CUDA_GRAPHS=off. */
    public static boolean graphs(Map<String, String> environment) {
        return !"off".equals(environment.get("FRAMECAST_CUDA_GRAPHS"));
    }

    /** That kernels can be compiled, loaded and run: what may be missing shows before a model is built. */
    private void requireWorking() {
        float[] values = {-1, 2, -3, 4};
        try (Tensor tensor = tensor(values.length)) {
            tensor.write(values);
            ops.kernels().get("activations.cu", "activateForward").launch(ops.rowGrid(values.length), CudaOps.BLOCK, 0,
                    CudaTensor.memory(tensor), (long) values.length, Activation.RELU.ordinal());
            if (!Arrays.equals(new float[] {0, 2, 0, 4}, tensor.read())) {
                throw new FramecastException("The CUDA device " + description() + " computes wrongly; check it with "
                        + "nvidia-smi, or use --device cpu.");
            }
        }
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public Precision precision() {
        return Precision.FP32;
    }

    @Override
    public Tensor tensor(long size) {
        return ops.zeros(size);
    }

    @Override
    public ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias) {
        return new CudaConvLstm(ops, convolutions, fused, spec, plan, kernel, recurrentKernel, bias);
    }

    @Override
    public Op batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        return new CudaBatchNorm(ops, spec, plan, gamma, beta, movingMean, movingVariance);
    }

    @Override
    public Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        return new CudaConv3d(ops, convolutions, spec, plan, kernel, bias);
    }

    @Override
    public Op spaceToDepth(SpaceToDepthSpec spec, Plan plan) {
        return new CudaSpaceToDepth(ops, spec, plan);
    }

    @Override
    public LossOp loss(Loss loss, long size) {
        return new CudaLoss(ops, loss, size);
    }

    @Override
    public AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        return new CudaAdam(ops, parameters, gradients, beta1, beta2, epsilon);
    }

    @Override
    public Program program(Runnable work) {
        return new CudaProgram(device, graphs, work);
    }

    @Override
    public long peakBytes() {
        return ops.arena().peak();
    }

    @Override
    public void close() {
        device.close();
    }
}
