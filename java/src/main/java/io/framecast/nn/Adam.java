package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.AdamOp;
import java.util.Map;

/** Adam as in Keras (Kingma and Ba 2015, with epsilon outside the bias correction): p -= alpha*m/(sqrt(v) + eps). */
public final class Adam implements Optimizer {

    private static final double BETA_1 = 0.9;
    private static final double BETA_2 = 0.999;
    private static final double EPSILON = 1e-7;

    private final Parameters parameters;
    private final long from;
    private final AdamOp op;
    private long step;

    /**
     * Step 0, with all moving averages zero.
     *
     * @param network a network made for training, to be closed after this
     */
    public Adam(Network network) {
        this(network, 0);
    }

    /** @param from the place of its first parameter among the trained ones; it leaves those before alone */
    Adam(Network network, long from) {
        parameters = network.parameters();
        this.from = from;
        long size = parameters.trained().size() - from;
        op = network.backend().adam(parameters.trained().slice(from, size), parameters.gradients().slice(from, size),
                BETA_1, BETA_2, EPSILON);
    }

    /** {@inheritDoc} At step t, alpha = lr*sqrt(1 - b2^t)/(1 - b1^t). */
    @Override
    public void begin(double learningRate) {
        step++;
        op.setAlpha(learningRate * Math.sqrt(1 - Math.pow(BETA_2, step)) / (1 - Math.pow(BETA_1, step)));
    }

    @Override
    public void update() {
        op.update();
    }

    @Override
    public long step() {
        return step;
    }

    @Override
    public Map<String, HostTensor> m() {
        return parameters.split(op.m(), from);
    }

    @Override
    public Map<String, HostTensor> v() {
        return parameters.split(op.v(), from);
    }

    @Override
    public void restore(long steps, Map<String, HostTensor> m, Map<String, HostTensor> v) {
        if (!v.keySet().equals(v().keySet())) {
            throw new FramecastException("The checkpoint has the state of another optimiser; begin a new run from its "
                    + "parameters.");
        }
        step = steps;
        parameters.join(m, op.m(), from);
        parameters.join(v, op.v(), from);
    }

    @Override
    public void close() {
        op.close();
    }
}
