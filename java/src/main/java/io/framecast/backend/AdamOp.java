package io.framecast.backend;

/** Adam over a whole row of parameters at once. */
public interface AdamOp extends AutoCloseable {

    /** Sets the size of the steps to come, which changes from one to the next; not within a {@link Program}. */
    void setAlpha(double alpha);

    /** m = m + (g - m)(1 - beta1), v = v + (g² - v)(1 - beta2), p = p - alpha*m/(sqrt(v) + epsilon). */
    void update();

    /** The moving average of the gradient. */
    Tensor m();

    /** The moving average of the gradient's square. */
    Tensor v();

    @Override
    void close();
}
