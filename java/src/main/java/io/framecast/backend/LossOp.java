package io.framecast.backend;

/** A loss and its gradient. */
public interface LossOp extends AutoCloseable {

    /**
     * Computes the mean loss, and the gradient of its product with a weight.
     *
     * @param outputs the outputs of the network
     * @param targets the expected values, at least {@code size}
     * @param size the number of elements
     * @param weight the share of these elements in a mean over several processes: 1 for one process, 0 for padding
     * @param gradient whether to compute the gradient too
     */
    void forward(Tensor outputs, Tensor targets, long size, double weight, boolean gradient);

    /**
     * Computes the mean loss and its gradient: a weight of 1.
     *
     * @param outputs the outputs of the network
     * @param targets the expected values, at least {@code size}
     * @param size the number of elements
     * @param gradient whether to compute the gradient too
     */
    default void forward(Tensor outputs, Tensor targets, long size, boolean gradient) {
        forward(outputs, targets, size, 1, gradient);
    }

    /**
     * The mean loss of the last forward; NaN or infinite if the outputs were. Not within a {@link Program}.
     *
     * @return the mean over all elements, without the weight
     */
    double value();

    /**
     * The gradient of the weighted mean loss with respect to the outputs of the last forward that computed it.
     *
     * @return a tensor of the op; the caller may overwrite it
     */
    Tensor gradient();

    @Override
    void close();
}
