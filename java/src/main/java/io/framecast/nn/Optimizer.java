package io.framecast.nn;

import io.framecast.FramecastException;
import java.util.Map;

/** Changes a network's parameters by their gradients, step by step. To be closed before the network. */
public interface Optimizer extends AutoCloseable {

    /**
     * Begins the next step.
     *
     * @param learningRate of this step
     */
    void begin(double learningRate);

    /** Updates the parameters with the rate of {@link #begin}, and the moving averages. */
    void update();

    /**
     * The number of steps begun.
     *
     * @return 0 before the first step
     */
    long step();

    /**
     * The moving averages of the gradients, by parameter.
     *
     * @return a copy of the values by parameter name
     */
    Map<String, HostTensor> m();

    /**
     * The moving averages of the gradients' squares, by parameter.
     *
     * @return a copy of the values by parameter name; without the parameters that the optimiser needs none for
     */
    Map<String, HostTensor> v();

    /**
     * Restores an earlier state.
     *
     * @param steps the number of steps made
     * @param m as {@link #m} returned it
     * @param v as {@link #v} returned it
     * @throws FramecastException if v is that of another optimiser
     */
    void restore(long steps, Map<String, HostTensor> m, Map<String, HostTensor> v);

    @Override
    void close();
}
