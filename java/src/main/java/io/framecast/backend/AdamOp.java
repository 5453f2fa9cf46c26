package io.framecast.backend;

/** Adam over all parameters of a contiguous buffer at once (Kingma and Ba 2015). */
public interface AdamOp extends AutoCloseable {

    /**
     * Sets the size of the steps to come, which changes from one to the next; not within a {@link Program}.
     *
     * @param alpha the learning rate with the bias correction of the step
     */
    void setAlpha(double alpha);

    /** m = m + (g - m)(1 - beta1), v = v + (g² - v)(1 - beta2), p = p - alpha*m/(sqrt(v) + epsilon). */
    void update();

    /**
     * The moving average of the gradient.
     *
     * @return a tensor of the op, as long as the parameters
     */
    Tensor m();

    /**
     * The moving average of the gradient's square.
     *
     * @return a tensor of the op, as long as the parameters
     */
    Tensor v();

    @Override
    void close();
}
