package io.framecast.nn;

import io.framecast.backend.Tensor;
import java.util.List;

/** A layer on a device. Layers of one input are given lists of one tensor, and return lists of one. */
public interface Layer extends AutoCloseable {

    /**
     * Computes the outputs. See {@link io.framecast.backend.Op#forward}.
     *
     * @param inputs each (frames, batch, height, width, channels)
     * @param frames at most those of the plan
     * @param batch at most that of the plan
     * @param training whether the pass is part of a training step
     * @return (frames, batch, output height, output width, output channels), valid until the next call
     */
    Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training);

    /**
     * Computes the parameters' gradients. See {@link io.framecast.backend.Op#backward}.
     *
     * @param dy the gradient of what forward returned
     * @return the gradient of each input, which the caller may overwrite; anything where the plan asks for none
     */
    List<Tensor> backward(Tensor dy);

    /**
     * Whether the videos of the next passes are padding. See {@link io.framecast.backend.BatchNormOp#setPadding}.
     *
     * @param padding false at first
     */
    default void setPadding(boolean padding) {
        // Most layers treat each video separately.
    }

    /** Resets the state: the next step takes the first frame of new videos. */
    void begin();

    /**
     * Processes one more frame of the current videos, or in a causal model several. A non-causal layer computes its
     * newest {@code futureReach} outputs from zero padding in place of future frames. It returns them again, revised,
     * with each new frame, until they are final ("settled").
     *
     * @param tails of each input the newest {@code count} frames (count, batch, ...): those that are new or revised,
     *     ending with the new one; in a causal model {@code count} new ones
     * @param count the number of frames in a tail
     * @param batch the number of videos, the same since {@link #begin}
     * @param settled how many of these frames, from the first, are final: 0 or 1; all of them if several are new
     * @return this layer's new or revised frames: {@code count + futureReach}, or all frames so far if these are fewer
     */
    Tensor step(List<Tensor> tails, int count, int batch, int settled);

    @Override
    void close();
}
