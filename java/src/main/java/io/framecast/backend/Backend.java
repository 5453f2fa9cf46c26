package io.framecast.backend;

import java.util.List;
import java.util.OptionalInt;

/**
 * One device, and the maker of everything on it. Same calls, device, precision and thread count: the same bits.
 * A backend and what it made are for one thread at a time.
 */
public interface Backend extends AutoCloseable {

    /**
     * The device in words, for people.
     *
     * @return one line, such as the name of the processor or GPU
     */
    String description();

    /**
     * What the convolutions multiply.
     *
     * @return the precision of all ops of this backend
     */
    Precision precision();

    /**
     * A tensor of zeros.
     *
     * @param size the number of values
     * @return the tensor, for the caller to close
     */
    Tensor tensor(long size);

    /**
     * Makes a ConvLSTM layer.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the largest sizes, and what backward must do
     * @param kernel the kernel and its gradient, in the layout of the spec
     * @param recurrentKernel the recurrent kernel and its gradient
     * @param bias the bias and its gradient, (4*filters) or (filters)
     * @return the op, for the caller to close
     */
    ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias);

    /**
     * Makes a batch normalisation.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the largest sizes, and what backward must do
     * @param gamma the scale (channels) and its gradient
     * @param beta the offset (channels) and its gradient
     * @param movingMean (channels); training changes it
     * @param movingVariance (channels); training changes it
     * @return the op, for the caller to close
     */
    Op batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean, Tensor movingVariance);

    /**
     * Makes a convolution over time, height and width.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the largest sizes, and what backward must do
     * @param kernel the kernel and its gradient, in the layout of the spec
     * @param bias the bias and its gradient, (4*filters) or (filters)
     * @return the op, for the caller to close
     */
    Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias);

    /**
     * Makes a rearrangement of pixels to channels, or its inverse.
     *
     * @param spec the shapes and settings of the layer
     * @param plan the largest sizes, and what backward must do
     * @return the op, for the caller to close
     */
    Op spaceToDepth(SpaceToDepthSpec spec, Plan plan);

    /**
     * Makes a loss.
     *
     * @param loss which loss
     * @param size the most elements it will be given
     * @return the op, for the caller to close
     */
    LossOp loss(Loss loss, long size);

    /**
     * Makes an Adam optimiser (Kingma and Ba 2015) with zero moving averages.
     *
     * @param parameters the values to change
     * @param gradients as many values, the gradient of each parameter
     * @param beta1 the decay of the moving average of gradients
     * @param beta2 the decay of the moving average of squared gradients
     * @param epsilon what is added to the denominator
     * @return the op, for the caller to close
     */
    AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon);

    /**
     * Makes a program of {@code work}, which is the same whenever it is run.
     *
     * @param work calls of ops and tensors of this backend, without any host transfer
     * @return the program, for the caller to close; not yet run
     */
    Program program(Runnable work);

    /**
     * How many of this machine's threads compute, where these are the device.
     *
     * @return the number of threads; empty if the device is not the CPU
     */
    default OptionalInt threads() {
        return OptionalInt.empty();
    }

    /**
     * Measures, in a few seconds, what the device can do at most.
     *
     * @return the measured rates; {@link Ceilings#UNKNOWN} if the backend measures none
     */
    default Ceilings measureCeilings() {
        return Ceilings.UNKNOWN;
    }

    /**
     * The most bytes of device memory that were held at once.
     *
     * @return bytes
     */
    long peakBytes();

    /**
     * Begins or ends an account of what ops cost. A backend that cannot tell keeps none.
     *
     * @param on whether to begin or to end
     */
    default void setProfiling(boolean on) {
    }

    /**
     * What the ops cost since the last call, or since the account was begun; empty where none is kept.
     *
     * @return the costs, in the order of first use
     */
    default List<OpCost> takeProfile() {
        return List.of();
    }

    @Override
    void close();
}
