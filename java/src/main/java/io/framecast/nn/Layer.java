package io.framecast.nn;

import io.framecast.backend.Tensor;

/** A layer on a device. */
public interface Layer extends AutoCloseable {

    /**
     * Computes the outputs. See {@link io.framecast.backend.Op#forward}.
     *
     * @param x (frames, batch, height, width, channels)
     * @param frames at most those of the plan
     * @param batch at most that of the plan
     * @param training whether the pass is part of a training step
     * @return (frames, batch, output height, output width, output channels), valid until the next call
     */
    Tensor forward(Tensor x, int frames, int batch, boolean training);

    /**
     * Computes the parameters' gradients. See {@link io.framecast.backend.Op#backward}.
     *
     * @param dy the gradient of what forward returned
     * @return the gradient of the input; null if the plan asks for none
     */
    Tensor backward(Tensor dy);

    /** Resets the state: the next step takes the first frame of new videos. */
    void begin();

    /**
     * Processes one more frame of the current videos. A non-causal layer computes its newest {@code futureReach}
     * outputs from zero padding in place of future frames. It returns them again, revised, with each new frame, until
     * they are final ("settled").
     *
     * @param tail the newest {@code count} frames (count, batch, ...): those that are new or revised, ending with the
     *     new one
     * @param count the number of frames in the tail
     * @param batch the number of videos, the same since {@link #begin}
     * @param settled whether the first of these frames is final
     * @return this layer's new or revised frames: {@code count + futureReach}, or all frames so far if these are fewer
     */
    Tensor step(Tensor tail, int count, int batch, boolean settled);

    @Override
    void close();
}
