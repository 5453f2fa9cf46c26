package io.framecast.nn;

import io.framecast.backend.AdamOp;
import java.util.Map;

/** Adam as in Keras (Kingma and Ba 2015, with epsilon outside the bias correction). */
public final class Adam implements AutoCloseable {

    private static final double BETA_1 = 0.9;
    private static final double BETA_2 = 0.999;
    private static final double EPSILON = 1e-7;

    private final Parameters parameters;
    private final AdamOp op;
    private long step;

    /**
     * Step 0, with all moving averages zero.
     *
     * @param network a network made for training, to be closed after this
     */
    public Adam(Network network) {
        parameters = network.parameters();
        op = network.backend().adam(parameters.trained(), parameters.gradients(), BETA_1, BETA_2, EPSILON);
    }

    /**
     * Begins the next step t, with alpha = lr*sqrt(1 - b2^t)/(1 - b1^t).
     *
     * @param learningRate lr
     */
    public void begin(double learningRate) {
        step++;
        op.setAlpha(learningRate * Math.sqrt(1 - Math.pow(BETA_2, step)) / (1 - Math.pow(BETA_1, step)));
    }

    /** Updates m, v and the parameters with the alpha of {@link #begin}: p -= alpha*m/(sqrt(v) + eps). */
    public void update() {
        op.update();
    }

    /**
     * The number of steps begun.
     *
     * @return t; 0 before the first step
     */
    public long step() {
        return step;
    }

    /**
     * The moving averages of the gradients, by parameter.
     *
     * @return a copy of the values by parameter name
     */
    public Map<String, HostTensor> m() {
        return parameters.split(op.m());
    }

    /**
     * The moving averages of the gradients' squares, by parameter.
     *
     * @return a copy of the values by parameter name
     */
    public Map<String, HostTensor> v() {
        return parameters.split(op.v());
    }

    /**
     * Restores an earlier state.
     *
     * @param steps the number of steps made
     * @param m as {@link #m} returned it
     * @param v as {@link #v} returned it
     */
    public void restore(long steps, Map<String, HostTensor> m, Map<String, HostTensor> v) {
        step = steps;
        parameters.join(m, op.m());
        parameters.join(v, op.v());
    }

    @Override
    public void close() {
        op.close();
    }
}
