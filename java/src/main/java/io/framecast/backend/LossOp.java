package io.framecast.backend;

/** A loss and its gradient. */
public interface LossOp extends AutoCloseable {

    /**
     * @param size how many elements of both to take
     * @param gradient whether to compute the gradient too
     * @return the mean loss; NaN or infinite where the outputs are
     */
    double forward(Tensor outputs, Tensor targets, long size, boolean gradient);

    /** The gradient of the mean loss with respect to the outputs of the last forward that computed it. */
    Tensor gradient();

    @Override
    void close();
}
