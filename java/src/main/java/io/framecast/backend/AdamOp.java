package io.framecast.backend;

/** Adam for all parameters of a contiguous buffer at once (Kingma and Ba 2015). */
public interface AdamOp extends AutoCloseable {

    /**
     * Sets alpha for the next updates. It changes with every step, so it must be set outside a {@link Program}.
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
