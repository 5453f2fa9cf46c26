package io.framecast.backend;

import java.util.List;
import java.util.OptionalInt;

/**
 * One device. It creates the tensors and ops on that device. Results are reproducible bit for bit for the same calls,
 * device, precision and thread count. A backend and what it created may be used by one thread at a time.
 */
public interface Backend extends AutoCloseable {

    /**
     * A description of the device.
     *
     * @return one line, such as the name of the processor or GPU
     */
    String description();

    /**
     * The precision of the convolutions' operands.
     *
     * @return the precision of all ops of this backend
     */
    Precision precision();

    /**
     * The processes that this backend trains with.
     *
     * @return {@link DataParallel#NONE} if it is alone
     */
    DataParallel dataParallel();

    /**
     * Allocates a tensor of zeros.
     *
     * @param size the number of values
     * @return the tensor, for the caller to close
     */
    Tensor tensor(long size);

    /**
     * Creates a ConvLSTM op.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @param kernel the kernel and its gradient, in the layout of the spec
     * @param recurrentKernel the recurrent kernel and its gradient
     * @param bias the bias and its gradient, (4*filters)
     * @return the op, for the caller to close
     */
    ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias);

    /**
     * Creates a batch normalisation op.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @param gamma the scale (channels) and its gradient
     * @param beta the offset (channels) and its gradient
     * @param movingMean (channels); training changes it
     * @param movingVariance (channels); training changes it
     * @return the op, for the caller to close
     */
    BatchNormOp batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean,
            Tensor movingVariance);

    /**
     * Creates a convolution over time, height and width.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @param kernel the kernel and its gradient, in the layout of the spec
     * @param bias the bias and its gradient, (filters)
     * @return the op, for the caller to close
     */
    Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias);

    /**
     * Creates a transposed convolution over time, height and width.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @param kernel the kernel and its gradient, in the layout of the spec
     * @param bias the bias and its gradient, (filters)
     * @return the op, for the caller to close
     */
    Op conv3dTranspose(Conv3dTransposeSpec spec, Plan plan, Weights kernel, Weights bias);

    /**
     * Creates a layer normalisation op.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @param gamma the scale (channels) and its gradient
     * @param beta the offset (channels) and its gradient
     * @return the op, for the caller to close
     */
    Op layerNorm(LayerNormSpec spec, Plan plan, Weights gamma, Weights beta);

    /**
     * Creates an op that computes a function of each value.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    Op elementwise(ElementwiseSpec spec, Plan plan);

    /**
     * Creates an op that reduces windows of pixels.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    Op pooling(PoolingSpec spec, Plan plan);

    /**
     * Creates an op that gives frames more pixels.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    Op upSampling(UpSamplingSpec spec, Plan plan);

    /**
     * Creates an op that rearranges pixels to channels, or its inverse.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    Op spaceToDepth(SpaceToDepthSpec spec, Plan plan);

    /**
     * Creates an op that estimates the motion since the frame before. It gives no gradient of its input.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes; without inputGradient
     * @return the op, for the caller to close
     */
    ConvLstmOp blockMatching(BlockMatchingSpec spec, Plan plan);

    /**
     * Creates an op that adds inputs.
     *
     * @param spec the shapes
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    MultiInputOp add(AddSpec spec, Plan plan);

    /**
     * Creates an op that joins the channels of inputs.
     *
     * @param spec the shapes
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close
     */
    MultiInputOp concatenate(ConcatenateSpec spec, Plan plan);

    /**
     * Creates an op that moves layer images by filters, and corrects them by each frame.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the maximal sizes, and what backward must compute
     * @return the op, for the caller to close; its inputs are frames, gates, filters and flow
     */
    MultiInputOp layeredAdvection(LayeredAdvectionSpec spec, Plan plan);

    /**
     * Creates a loss op.
     *
     * @param loss the loss function
     * @param size the maximal number of elements
     * @return the op, for the caller to close
     */
    LossOp loss(Loss loss, long size);

    /**
     * Creates an Adam optimiser (Kingma and Ba 2015) whose moving averages are zero.
     *
     * @param parameters the values to update
     * @param gradients the gradient of each parameter, a tensor of the same size
     * @param beta1 the decay of the moving average of gradients
     * @param beta2 the decay of the moving average of squared gradients
     * @param epsilon the constant added to the denominator
     * @return the op, for the caller to close
     */
    AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon);

    /**
     * Creates a Muon optimiser for matrices, with a momentum of zero.
     *
     * @param parameters the values to update
     * @param gradients the gradient of each parameter, a tensor of the same size
     * @param matrices where the matrices are in both; at least one
     * @param momentum mu, from 0 to below 1
     * @return the op, for the caller to close
     */
    MuonOp muon(Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum);

    /**
     * Creates an op that clips gradients by their global norm (Pascanu, Mikolov and Bengio 2013).
     *
     * @param gradients all gradients
     * @param norm the largest Euclidean norm to leave as it is; above 0
     * @return the op, for the caller to close
     */
    ClipOp clip(Tensor gradients, double norm);

    /**
     * Creates an op that moves tensors towards others, row by row, with rates of 0 at first.
     *
     * @param rows the number of rates
     * @return the op, for the caller to close
     */
    BlendOp blend(int rows);

    /**
     * Creates an op that sums tensors over the processes of {@link #dataParallel}.
     *
     * @param buckets tensors of this backend that do not overlap, as long in each process; at least one
     * @return the op, for the caller to close
     */
    AllReduceOp allReduce(List<Tensor> buckets);

    /**
     * Creates a program of {@code work}, which must do the same each time it runs.
     *
     * @param work calls of ops and tensors of this backend, without any host transfer
     * @return the program, for the caller to close; not yet run
     */
    Program program(Runnable work);

    /**
     * The number of threads that compute, if the device is the CPU.
     *
     * @return the number of threads; empty if the device is not the CPU
     */
    default OptionalInt threads() {
        return OptionalInt.empty();
    }

    /**
     * Measures the peak rates of the device. Takes a few seconds.
     *
     * @return the measured rates; {@link Ceilings#UNKNOWN} if the backend measures none
     */
    default Ceilings measureCeilings() {
        return Ceilings.UNKNOWN;
    }

    /**
     * The peak of allocated device memory.
     *
     * @return bytes
     */
    long peakBytes();

    /**
     * Starts or stops the profile of the ops. A backend without a profiler ignores it.
     *
     * @param on true to start, false to stop
     */
    default void setProfiling(boolean on) {
    }

    /**
     * The costs of the ops since the last call of this method, or since the profile was started. Empty without a
     * profile.
     *
     * @return the costs, in the order of first use
     */
    default List<OpCost> takeProfile() {
        return List.of();
    }

    @Override
    void close();
}
