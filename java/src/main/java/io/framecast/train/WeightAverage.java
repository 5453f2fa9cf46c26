package io.framecast.train;

import io.framecast.backend.Backend;
import io.framecast.backend.BlendOp;
import io.framecast.backend.Tensor;
import io.framecast.nn.HostTensor;
import io.framecast.nn.Parameters;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The exponential moving average of a network's weights, with the decay min(d, (1 + t)/(10 + t)) at step t, as
 * TensorFlow's ExponentialMovingAverage has it. The moving statistics of batch normalisation are averaged with the
 * weights: those of the last weights would not fit weights of some hundred steps before.
 */
final class WeightAverage implements AutoCloseable {

    private final double decay;
    private final Parameters parameters;
    private final BlendOp blend;
    /** Room for two copies of all parameters. */
    private final Tensor memory;
    private final Tensor average;
    private final Tensor aside;

    /** The average is that of the parameters at this time. */
    WeightAverage(Backend backend, Parameters parameters, double decay) {
        this.decay = decay;
        this.parameters = parameters;
        long size = parameters.all().size();
        memory = backend.tensor(2 * size);
        average = memory.slice(0, size);
        aside = memory.slice(size, size);
        parameters.all().copyTo(0, average, 0, size);
        try {
            blend = backend.blend(1);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    /** Sets the decay of a step. Not within a program. */
    void begin(long step) {
        blend.setRates(new float[] {(float) (1 - Math.min(decay, (1.0 + step) / (10.0 + step)))});
    }

    /** Moves the average towards the present parameters. */
    void update() {
        blend.blend(parameters.all(), average, 0, 1);
    }

    /** Computes something while the parameters of the network are the averages. */
    <R> R during(Supplier<R> work) {
        long size = average.size();
        parameters.all().copyTo(0, aside, 0, size);
        average.copyTo(0, parameters.all(), 0, size);
        try {
            return work.get();
        } finally {
            aside.copyTo(0, parameters.all(), 0, size);
        }
    }

    /** A copy of the averages, by parameter name. */
    Map<String, HostTensor> get() {
        return during(parameters::get);
    }

    @Override
    public void close() {
        blend.close();
        memory.close();
    }
}
