package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.system.JavaHeap;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * A model's parameters on a device. The trained ones are one contiguous buffer, and so are their gradients: the
 * optimiser is one pass over all of them. The others (moving averages) are a second contiguous buffer.
 */
public final class Parameters implements AutoCloseable {

    private record Place(ParameterSpec spec, long offset) {
    }

    private final Map<String, Place> places = new LinkedHashMap<>();
    private final Tensor memory;
    private final Tensor all;
    private final Tensor trained;
    private final Tensor gradients;
    private final Tensor others;

    /**
     * Creates the parameters with value zero; {@link #set} changes them.
     *
     * @param backend the device
     * @param model the model
     * @param training whether to allocate gradients, too
     */
    public Parameters(Backend backend, ModelConfig model, boolean training) {
        long trainedSize = 0;
        long otherSize = 0;
        for (Map.Entry<String, ParameterSpec> entry : model.parameters().entrySet()) {
            ParameterSpec spec = entry.getValue();
            places.put(entry.getKey(), new Place(spec, spec.trainable() ? trainedSize : otherSize));
            // Aligned to 16 floats, so that each parameter begins on a cache line.
            long room = (spec.size() + 15L) / 16 * 16;
            if (spec.trainable()) {
                trainedSize += room;
            } else {
                otherSize += room;
            }
        }
        memory = backend.tensor(trainedSize + otherSize + (training ? trainedSize : 0));
        all = memory.slice(0, trainedSize + otherSize);
        trained = memory.slice(0, trainedSize);
        others = memory.slice(trainedSize, otherSize);
        gradients = training ? memory.slice(trainedSize + otherSize, trainedSize) : null;
    }

    /**
     * Initial values for a model: the same for the same seed, on any machine.
     *
     * @param model the model
     * @param seed other seeds give other values
     * @return the values by parameter name
     * @throws FramecastException if the Java heap cannot hold them
     */
    public static Map<String, HostTensor> initial(ModelConfig model, long seed) {
        JavaHeap.require(Float.BYTES * model.parameterCount(), "The model's parameters");
        Random random = new Random(seed);
        Map<String, HostTensor> values = new LinkedHashMap<>();
        model.parameters().forEach((name, spec) -> values.put(name,
                new HostTensor(spec.shape(), spec.initializer().values(spec.shape(), random))));
        return values;
    }

    /**
     * All parameters, as {@link #set} and {@link #get} copy them.
     *
     * @return one contiguous tensor: the trained ones first, as {@link #trained} has them
     */
    public Tensor all() {
        return all;
    }

    /**
     * All trained parameters.
     *
     * @return one contiguous tensor; each parameter begins on a multiple of 16 values
     */
    public Tensor trained() {
        return trained;
    }

    /**
     * Their gradients, in the same order; null when not training.
     *
     * @return a tensor as long as {@link #trained}
     */
    public Tensor gradients() {
        return gradients;
    }

    /** One parameter on the device. */
    Weights weights(String name) {
        Place place = places.get(name);
        int size = place.spec.size();
        if (!place.spec.trainable()) {
            return new Weights(others.slice(place.offset, size), null);
        }
        return new Weights(trained.slice(place.offset, size),
                gradients == null ? null : gradients.slice(place.offset, size));
    }

    /**
     * Copies values to the device. All parameters of the model must be present, with the right shapes.
     *
     * @param values by parameter name
     */
    public void set(Map<String, HostTensor> values) {
        write(values, trained, true);
        write(values, others, false);
    }

    /**
     * Copies the values from the device.
     *
     * @return a copy of the values by parameter name
     */
    public Map<String, HostTensor> get() {
        Map<String, HostTensor> both = new HashMap<>(read(trained, true));
        both.putAll(read(others, false));
        Map<String, HostTensor> values = new LinkedHashMap<>();
        places.keySet().forEach(name -> values.put(name, both.get(name)));
        return values;
    }

    /**
     * Splits a tensor in the layout of {@link #trained} (gradients, moving averages) by parameter.
     *
     * @param row a tensor in the layout of {@link #trained}
     * @return a copy of the values by parameter name, trained parameters only
     */
    public Map<String, HostTensor> split(Tensor row) {
        return read(row, true);
    }

    /**
     * The inverse of {@link #split}.
     *
     * @param values by parameter name
     * @param row a tensor in the layout of {@link #trained}
     */
    public void join(Map<String, HostTensor> values, Tensor row) {
        write(values, row, true);
    }

    /** One transfer for all parameters of the buffer. */
    private void write(Map<String, HostTensor> values, Tensor row, boolean trainable) {
        float[] all = new float[Math.toIntExact(row.size())];
        of(trainable).forEach((name, place) -> System.arraycopy(values.get(name).values(), 0, all,
                Math.toIntExact(place.offset), place.spec.size()));
        row.write(all);
    }

    private Map<String, HostTensor> read(Tensor row, boolean trainable) {
        float[] all = row.read();
        Map<String, HostTensor> values = new LinkedHashMap<>();
        of(trainable).forEach((name, place) -> {
            int from = Math.toIntExact(place.offset);
            values.put(name, new HostTensor(place.spec.shape(),
                    Arrays.copyOfRange(all, from, from + place.spec.size())));
        });
        return values;
    }

    private Map<String, Place> of(boolean trainable) {
        Map<String, Place> some = new LinkedHashMap<>();
        places.forEach((name, place) -> {
            if (place.spec.trainable() == trainable) {
                some.put(name, place);
            }
        });
        return some;
    }

    @Override
    public void close() {
        memory.close();
    }
}
