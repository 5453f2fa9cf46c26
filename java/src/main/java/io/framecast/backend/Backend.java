package io.framecast.backend;

import java.util.List;
import java.util.OptionalInt;

/**
 * One device, and the maker of everything on it. Same calls, device, precision and thread count: the same bits.
 * A backend and what it made are for one thread at a time.
 */
public interface Backend extends AutoCloseable {

    /** The device in words, for people. */
    String description();

    Precision precision();

    /** A tensor of zeros. */
    Tensor tensor(long size);

    ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel, Weights bias);

    Op batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta, Tensor movingMean, Tensor movingVariance);

    Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias);

    Op spaceToDepth(SpaceToDepthSpec spec, Plan plan);

    /** @param size the most elements it will be given */
    LossOp loss(Loss loss, long size);

    AdamOp adam(Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon);

    /** Makes a program of {@code work}, which is the same whenever it is run. */
    Program program(Runnable work);

    /** How many of this machine's threads compute, where these are the device. */
    default OptionalInt threads() {
        return OptionalInt.empty();
    }

    /** Measures, in a few seconds, what the device can do at most. */
    default Ceilings measureCeilings() {
        return Ceilings.UNKNOWN;
    }

    /** The most bytes of device memory that were held at once. */
    long peakBytes();

    /** Begins or ends an account of what ops cost. A backend that cannot tell keeps none. */
    default void setProfiling(boolean on) {
    }

    /** What the ops cost since the last call, or since the account was begun; empty where none is kept. */
    default List<OpCost> takeProfile() {
        return List.of();
    }

    @Override
    void close();
}
