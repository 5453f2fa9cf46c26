package io.framecast.tools.check.golden;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;

/** A backend, and what is made on it for a while: {@link #close} frees that, and leaves the backend open. */
public class OpScope implements AutoCloseable {

    private final Backend backend;
    private final Deque<AutoCloseable> made = new ArrayDeque<>();

    public OpScope(Backend backend) {
        this.backend = backend;
    }

    public final Backend get() {
        return backend;
    }

    /** Closes {@code thing} with this scope. */
    public final <T extends AutoCloseable> T own(T thing) {
        made.push(thing);
        return thing;
    }

    public final Tensor tensor(float... values) {
        Tensor tensor = own(backend.tensor(values.length));
        tensor.write(values);
        return tensor;
    }

    /** A tensor of normally distributed values, the same for the same size. */
    public final Tensor noise(int size) {
        Random random = new Random(size);
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) random.nextGaussian();
        }
        return tensor(values);
    }

    /** Weights with these values. Their gradient is NaN at first: backward must overwrite it, not add to it. */
    public final Weights weights(float... values) {
        float[] nan = new float[values.length];
        Arrays.fill(nan, Float.NaN);
        return new Weights(tensor(values), tensor(nan));
    }

    /** Closes what {@link #own} keeps, the last first. */
    public final void closeMade() {
        try {
            while (!made.isEmpty()) {
                made.pop().close();
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        closeMade();
    }
}
