package io.framecast.nn;

import io.framecast.backend.Tensor;

/** A layer on a device. */
public interface Layer extends AutoCloseable {

    /** See {@link io.framecast.backend.Op#forward}. */
    Tensor forward(Tensor x, int frames, int batch, boolean training);

    /** See {@link io.framecast.backend.Op#backward}. */
    Tensor backward(Tensor dy);

    /** Gets ready for the first frame of new videos. */
    void begin();

    /**
     * Takes one more frame of the videos begun. Where an earlier layer looks into the future, the newest frames of
     * its output change as further frames come: these are given again, revised, until they are settled.
     *
     * @param tail the newest {@code count} frames (count, batch, ...): those that are new or revised, ending with the
     *     new one
     * @param settled whether the first of them will not be revised any more
     * @return this layer's new or revised frames: {@code count + futureReach}, or all there are if these are fewer
     */
    Tensor step(Tensor tail, int count, int batch, boolean settled);

    @Override
    void close();
}
