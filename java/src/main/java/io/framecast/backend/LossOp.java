package io.framecast.backend;

/** A loss and its gradient. */
public interface LossOp extends AutoCloseable {

    /**
     * Computes the mean loss.
     *
     * @param outputs the outputs of the network
     * @param targets the expected values, at least {@code size}
     * @param size the number of elements
     * @param gradient whether to compute the gradient too
     */
    void forward(Tensor outputs, Tensor targets, long size, boolean gradient);

    /**
     * The mean loss of the last forward; NaN or infinite if the outputs were. Not within a {@link Program}.
     *
     * @return the mean over all elements
     */
    double value();

    /**
     * The gradient of the mean loss with respect to the outputs of the last forward that computed it.
     *
     * @return a tensor of the op; the caller may overwrite it
     */
    Tensor gradient();

    @Override
    void close();
}
