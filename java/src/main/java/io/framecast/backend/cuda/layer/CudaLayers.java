package io.framecast.backend.cuda.layer;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.AdamOp;
import io.framecast.backend.AddSpec;
import io.framecast.backend.AllReduceOp;
import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.BlendOp;
import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.ClipOp;
import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Conv3dTransposeSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Matrices;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.collective.Collectives;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.tensorcore.Operand;
import java.util.List;
import java.util.function.Supplier;

/**
 * Makes the ops of a device, as {@link io.framecast.backend.Backend} defines them. They do not check their arguments:
 * the {@linkplain CudaOps#guard() guard} does.
 *
 * @param convolutions computes the convolutions of all of them, but for those of ConvLSTMs with {@code operand}
 * @param operand of the tensor cores that compute ConvLSTMs; null: they are computed by {@code convolutions}
 * @param collectives null: there is one process
 * @param globalBatchNorm whether batch normalisation in training is over all processes
 */
public record CudaLayers(CudaOps ops, ConvolutionFamily convolutions, Operand operand, Collectives collectives,
        boolean globalBatchNorm) {

    public ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias) {
        return indexed(plan, () -> operand == null
                ? new CudaConvLstm(ops, convolutions, spec, plan, kernel, recurrentKernel, bias)
                : new TensorCoreConvLstm(ops, operand, spec, plan, kernel, recurrentKernel, bias));
    }

    /** The kernels of convolutions have 32-bit indices: what overflows them is refused. */
    private static <T> T indexed(Plan plan, Supplier<T> op) {
        try {
            return op.get();
        } catch (ArithmeticException e) {
            throw new FramecastException("A batch of " + plan.batch() + " videos of " + plan.frames() + " frames has "
                    + "too many values for the CUDA kernels; use a smaller batch.", e, Remedy.SMALLER_BATCH);
        }
    }

    public BatchNormOp batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance) {
        return new CudaBatchNorm(ops, operand, globalBatchNorm ? collectives : null, spec, plan, gamma, beta,
                movingMean, movingVariance);
    }

    public AllReduceOp allReduce(List<Tensor> buckets) {
        return collectives != null ? collectives.allReduce(buckets) : new SumOfOne();
    }

    public Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias) {
        return indexed(plan, () -> new CudaConv3d(ops, convolutions, spec, plan, kernel, bias));
    }

    public Op conv3dTranspose(Conv3dTransposeSpec spec, Plan plan, Weights kernel, Weights bias) {
        return indexed(plan, () -> new CudaConv3dTranspose(ops, convolutions, spec, plan, kernel, bias));
    }

    public Op layerNorm(LayerNormSpec spec, Plan plan, Weights gamma, Weights beta) {
        return indexed(plan, () -> new CudaLayerNorm(ops, spec, plan, gamma, beta));
    }

    public Op elementwise(ElementwiseSpec spec, Plan plan) {
        return new CudaElementwise(ops, spec, plan);
    }

    public Op pooling(PoolingSpec spec, Plan plan) {
        return new CudaPooling(ops, spec, plan);
    }

    public Op upSampling(UpSamplingSpec spec, Plan plan) {
        return new CudaUpSampling(ops, spec, plan);
    }

    public Op spaceToDepth(SpaceToDepthSpec spec, Plan plan) {
        return new CudaSpaceToDepth(ops, spec, plan);
    }

    public ConvLstmOp blockMatching(BlockMatchingSpec spec, Plan plan) {
        return new CudaBlockMatching(ops, spec, plan);
    }

    public MultiInputOp add(AddSpec spec, Plan plan) {
        return new CudaAdd(ops, spec, plan);
    }

    public MultiInputOp concatenate(ConcatenateSpec spec, Plan plan) {
        return new CudaConcatenate(ops, spec, plan);
    }

    public MultiInputOp layeredAdvection(LayeredAdvectionSpec spec, Plan plan) {
        return new CudaLayeredAdvection(ops, spec, plan);
    }

    public LossOp loss(Loss loss, long size) {
        return new CudaLoss(ops, loss, size);
    }

    public MuonOp muon(Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum) {
        return new CudaMuon(ops, parameters, gradients, matrices, momentum);
    }

    public AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        return new CudaAdam(ops, parameters, gradients, beta1, beta2, epsilon);
    }

    public ClipOp clip(Tensor gradients, double norm) {
        return new CudaClip(ops, gradients, norm);
    }

    public BlendOp blend(int rows) {
        return new CudaBlend(ops, rows);
    }
}
