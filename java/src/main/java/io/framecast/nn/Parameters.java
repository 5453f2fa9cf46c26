package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Matrices;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.system.JavaHeap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A model's parameters on a device. The trained ones are one contiguous buffer, matrices (kernels) before others, and
 * so are their gradients: an optimiser is one pass over all of them. Those that are not trained (moving averages) are a
 * second contiguous buffer.
 */
public final class Parameters implements AutoCloseable {

    private record Place(ParameterSpec spec, long offset) {
    }

    private final Map<String, Place> places = new LinkedHashMap<>();
    private final List<Matrices> matrices = new ArrayList<>();
    private final long matricesSize;
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
        matricesSize = model.parameters().values().stream().filter(Parameters::isMatrix).mapToLong(Parameters::room)
                .sum();
        long matricesEnd = 0;
        long trainedSize = matricesSize;
        long otherSize = 0;
        for (Map.Entry<String, ParameterSpec> entry : model.parameters().entrySet()) {
            ParameterSpec spec = entry.getValue();
            if (isMatrix(spec)) {
                places.put(entry.getKey(), new Place(spec, matricesEnd));
                int columns = spec.shape()[spec.shape().length - 1] / spec.matrices();
                matrices.add(new Matrices(matricesEnd, spec.matrices(), spec.size() / (spec.matrices() * columns),
                        columns));
                matricesEnd += room(spec);
            } else if (spec.trainable()) {
                places.put(entry.getKey(), new Place(spec, trainedSize));
                trainedSize += room(spec);
            } else {
                places.put(entry.getKey(), new Place(spec, otherSize));
                otherSize += room(spec);
            }
        }
        memory = backend.tensor(trainedSize + otherSize + (training ? trainedSize : 0));
        all = memory.slice(0, trainedSize + otherSize);
        trained = memory.slice(0, trainedSize);
        others = memory.slice(trainedSize, otherSize);
        gradients = training ? memory.slice(trainedSize + otherSize, trainedSize) : null;
    }

    private static boolean isMatrix(ParameterSpec spec) {
        return spec.trainable() && spec.matrices() > 0;
    }

    /** Aligned to 16 floats, so that each parameter begins on a cache line. */
    private static long room(ParameterSpec spec) {
        return (spec.size() + 15L) / 16 * 16;
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
     * The trained parameters that are matrices, as {@link ParameterSpec#matrices} has them.
     *
     * @return where each is in {@link #trained}
     */
    public List<Matrices> matrices() {
        return Collections.unmodifiableList(matrices);
    }

    /** The room of the matrices, which are the first of {@link #trained}. */
    long matricesSize() {
        return matricesSize;
    }

    /**
     * Their gradients, in the same order; null when not training.
     *
     * @return a tensor as long as {@link #trained}
     */
    public Tensor gradients() {
        return gradients;
    }

    /**
     * The gradients of a layer's matrices, which are contiguous; null if it has none.
     *
     * @param layer its index in the model
     */
    Tensor matrixGradients(int layer) {
        String prefix = ModelConfig.parameterName(layer, "");
        List<Place> own = places.entrySet().stream().filter(entry -> entry.getKey().startsWith(prefix))
                .map(Map.Entry::getValue).filter(place -> isMatrix(place.spec)).toList();
        if (own.isEmpty()) {
            return null;
        }
        Place last = own.get(own.size() - 1);
        long from = own.get(0).offset;
        return gradients.slice(from, last.offset + room(last.spec) - from);
    }

    /** The gradients of all trained parameters that are no matrices; null if there are none. */
    Tensor otherGradients() {
        long size = gradients.size() - matricesSize;
        return size == 0 ? null : gradients.slice(matricesSize, size);
    }

    /**
     * The parameters that are not trained: moving averages.
     *
     * @return one contiguous tensor
     */
    public Tensor notTrained() {
        return others;
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
        write(values, trained, true, 0);
        write(values, others, false, 0);
    }

    /**
     * Copies the values from the device.
     *
     * @return a copy of the values by parameter name
     */
    public Map<String, HostTensor> get() {
        Map<String, HostTensor> both = new HashMap<>(read(trained, true, 0));
        both.putAll(read(others, false, 0));
        Map<String, HostTensor> values = new LinkedHashMap<>();
        places.keySet().forEach(name -> values.put(name, both.get(name)));
        return values;
    }

    /**
     * Splits a tensor in the layout of a part of {@link #trained} (gradients, moving averages) by parameter.
     *
     * @param row a tensor in the layout of {@link #trained} from {@code from} on
     * @param from the place of its first value in {@link #trained}
     * @return a copy of the values by parameter name, only of those whose place is in the row
     */
    public Map<String, HostTensor> split(Tensor row, long from) {
        return read(row, true, from);
    }

    /**
     * The inverse of {@link #split}.
     *
     * @param values by parameter name; those whose place is not in the row are left out
     * @param row a tensor in the layout of {@link #trained} from {@code from} on
     * @param from the place of its first value in {@link #trained}
     */
    public void join(Map<String, HostTensor> values, Tensor row, long from) {
        write(values, row, true, from);
    }

    /** One transfer for all parameters of the buffer. */
    private void write(Map<String, HostTensor> values, Tensor row, boolean trainable, long from) {
        float[] all = new float[Math.toIntExact(row.size())];
        of(trainable, from, row.size()).forEach((name, place) -> System.arraycopy(values.get(name).values(), 0, all,
                Math.toIntExact(place.offset - from), place.spec.size()));
        row.write(all);
    }

    private Map<String, HostTensor> read(Tensor row, boolean trainable, long from) {
        float[] all = row.read();
        Map<String, HostTensor> values = new LinkedHashMap<>();
        of(trainable, from, row.size()).forEach((name, place) -> {
            int begin = Math.toIntExact(place.offset - from);
            values.put(name, new HostTensor(place.spec.shape(),
                    Arrays.copyOfRange(all, begin, begin + place.spec.size())));
        });
        return values;
    }

    private Map<String, Place> of(boolean trainable, long from, long size) {
        Map<String, Place> some = new LinkedHashMap<>();
        places.forEach((name, place) -> {
            if (place.spec.trainable() == trainable && place.offset >= from && place.offset < from + size) {
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
