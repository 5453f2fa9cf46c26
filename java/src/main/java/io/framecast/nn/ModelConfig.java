package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Loss;
import io.framecast.text.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model: the shape of its input frames, its layers, and how these are connected. Each layer comes after the layers
 * whose outputs it takes. The output of the last layer is the model's.
 *
 * @param input the shape of an input frame
 * @param layers at most 1,000
 * @param connections one for each layer
 */
public record ModelConfig(FrameShape input, List<LayerConfig> layers, List<Connection> connections) {

    /** The most layers, far more than any real network has: a limit for untrusted files. */
    private static final int MAX_LAYERS = 1000;

    /**
     * Checks that each layer accepts its inputs.
     *
     * @param input the shape of the input frames
     * @param layers the layers in order; copied
     * @param connections how each layer is connected; copied
     * @throws FramecastException naming the layer, if it does not accept its inputs, if there is no such input before
     *     it, if no layer takes its output, or if it has no gradient of its input and a layer before it has parameters;
     *     or if there are too many layers, or too many values in a frame or in the parameters for an array or a
     *     checkpoint
     * @throws IllegalArgumentException if a size of the input is below 1, or the lists are not equally long
     */
    public ModelConfig {
        Settings.require(input.height() >= 1 && input.width() >= 1 && input.channels() >= 1, "input", input,
                "at least 1x1x1");
        layers = List.copyOf(layers);
        connections = List.copyOf(connections);
        Settings.require(connections.size() == layers.size(), "connections", connections.size(),
                "as many as layers: " + layers.size());
        if (layers.size() > MAX_LAYERS) {
            throw new FramecastException("A model of " + layers.size() + " layers is too large; at most " + MAX_LAYERS
                    + " are possible.");
        }
        Graph graph = new Graph(layers, connections);
        List<List<FrameShape>> inputs = inputShapes(graph, shapes(input, layers, graph));
        graph.requireAllUsed(layers);
        requireParameters(inputs, layers);
        requireInputGradients(gradients(graph, inputs, layers), layers);
    }

    /**
     * A sequential model: each layer takes the output of the one before it.
     *
     * @param input the shape of the input frames
     * @param layers the layers in order
     * @throws FramecastException as the constructor with connections
     * @throws IllegalArgumentException if a size of the input is below 1
     */
    public ModelConfig(FrameShape input, List<LayerConfig> layers) {
        this(input, layers, Collections.nCopies(layers.size(), Connection.PREVIOUS));
    }

    private static void requireParameters(List<List<FrameShape>> inputs, List<LayerConfig> layers) {
        long all = 0;
        for (int k = 0; k < layers.size(); k++) {
            for (ParameterSpec spec : layers.get(k).parameters(inputs.get(k))) {
                long size = 1;
                for (int dimension : spec.shape()) {
                    size = dimension > HostTensor.MAX_SIZE / size ? Integer.MAX_VALUE : size * dimension;
                }
                if (size > HostTensor.MAX_SIZE) {
                    throw new FramecastException("The parameter " + parameterName(k, spec.name()) + " of shape "
                            + Arrays.toString(spec.shape()) + " is too large; choose fewer filters or a smaller "
                            + "kernel.");
                }
                all += size;
            }
        }
        if (all > HostTensor.MAX_SIZE) {
            throw new FramecastException("A model of " + all + " parameters is too large; at most "
                    + HostTensor.MAX_SIZE + " are possible: choose fewer filters, smaller kernels or fewer layers.");
        }
    }

    private static void requireInputGradients(Gradients gradients, List<LayerConfig> layers) {
        for (int k = 0; k < layers.size(); k++) {
            if (!layers.get(k).givesInputGradients() && gradients.ofInputs(k).contains(true)) {
                throw new FramecastException(Graph.text(k, layers.get(k)) + " has no gradient of its input, and so no "
                        + "layer before it may have parameters.");
            }
        }
    }

    /**
     * The same layers for frames of another shape.
     *
     * @param other the new shape of input frames
     * @return the new model
     */
    public ModelConfig withInput(FrameShape other) {
        return new ModelConfig(other, layers, connections);
    }

    /**
     * The model with this number of filters in each recurrent layer.
     *
     * @param filters the number of filters
     * @return the new model
     * @throws FramecastException if a later layer cannot take that number of channels
     */
    public ModelConfig withFilters(int filters) {
        return new ModelConfig(input, layers.stream().map(layer -> layer.withFilters(filters)).toList(), connections);
    }

    /**
     * The model for frames of another shape. Of each way to the output, the last layer that sets the number of output
     * channels is adapted.
     */
    ModelConfig fittedTo(FrameShape frames) {
        List<LayerConfig> changed = new ArrayList<>(layers);
        Graph graph = graph();
        boolean[] adapted = new boolean[layers.size() + 1];
        adapted[layers.size()] = true;
        for (int k = layers.size() - 1; k >= 0; k--) {
            if (!adapted[k + 1]) {
                continue;
            }
            Optional<LayerConfig> fitted = layers.get(k).withOutputChannels(input.channels(), frames.channels());
            if (fitted.isPresent()) {
                changed.set(k, fitted.get());
                continue;
            }
            List<Integer> sources = graph.sources(k);
            for (int i = 0; i < sources.size(); i++) {
                adapted[sources.get(i)] |= layers.get(k).sharesChannels(i);
            }
        }
        return new ModelConfig(frames, changed, connections);
    }

    /** Which layers read which outputs. */
    Graph graph() {
        return new Graph(layers, connections);
    }

    /**
     * The shapes of the frames between layers: the model's input at 0, the output of layer k at k + 1.
     *
     * @return the shapes; one more than there are layers
     */
    public List<FrameShape> shapes() {
        return shapes(input, layers, graph());
    }

    /**
     * The shapes of the frames that each layer takes.
     *
     * @return for each layer the shapes of its inputs
     */
    public List<List<FrameShape>> inputShapes() {
        return inputShapes(graph(), shapes());
    }

    private static List<List<FrameShape>> inputShapes(Graph graph, List<FrameShape> shapes) {
        List<List<FrameShape>> inputs = new ArrayList<>();
        for (int k = 0; k + 1 < shapes.size(); k++) {
            inputs.add(graph.sources(k).stream().map(shapes::get).toList());
        }
        return inputs;
    }

    /**
     * The shape of the model's output frames.
     *
     * @return the last of {@link #shapes}
     */
    public FrameShape output() {
        return shapes().get(layers.size());
    }

    private static List<FrameShape> shapes(FrameShape input, List<LayerConfig> layers, Graph graph) {
        List<FrameShape> shapes = new ArrayList<>(List.of(input));
        requireSize(input);
        for (int k = 0; k < layers.size(); k++) {
            try {
                shapes.add(layers.get(k).outputShape(graph.sources(k).stream().map(shapes::get).toList()));
            } catch (FramecastException e) {
                throw new FramecastException(Graph.text(k, layers.get(k)) + " does not fit: " + e.getMessage() + ".",
                        e);
            }
            requireSize(shapes.get(k + 1));
        }
        return shapes;
    }

    private static void requireSize(FrameShape frame) {
        if ((long) frame.height() * frame.width() > HostTensor.MAX_SIZE / frame.channels()) {
            throw new FramecastException("Frames of " + frame + " are too large; choose smaller ones or fewer "
                    + "filters.");
        }
    }

    /**
     * Checks that the model maps frames to frames of the same shape, as next-frame prediction needs.
     *
     * @throws FramecastException if it does not
     */
    public void requireFramesToFrames() {
        if (!output().equals(input)) {
            throw new FramecastException("The model turns frames of " + input + " into frames of " + output()
                    + "; to predict next frames both must be the same.");
        }
    }

    /**
     * All parameters by the names they have in checkpoints, {@code layers.<index>.<parameter>}, in order.
     *
     * @return the specifications by name
     */
    public Map<String, ParameterSpec> parameters() {
        Map<String, ParameterSpec> parameters = new LinkedHashMap<>();
        List<List<FrameShape>> inputs = inputShapes();
        for (int k = 0; k < layers.size(); k++) {
            for (ParameterSpec spec : layers.get(k).parameters(inputs.get(k))) {
                parameters.put(parameterName(k, spec.name()), spec);
            }
        }
        return parameters;
    }

    /**
     * The number of values of all parameters.
     *
     * @return the count, including moving averages
     */
    public long parameterCount() {
        return parameters().values().stream().mapToLong(ParameterSpec::size).sum();
    }

    /** Which gradients backward computes. */
    Gradients gradients() {
        return gradients(graph(), inputShapes(), layers);
    }

    private static Gradients gradients(Graph graph, List<List<FrameShape>> inputs, List<LayerConfig> layers) {
        List<Boolean> needed = new ArrayList<>(List.of(false));
        for (int k = 0; k < layers.size(); k++) {
            needed.add(!layers.get(k).parameters(inputs.get(k)).isEmpty()
                    || graph.sources(k).stream().anyMatch(needed::get));
        }
        return new Gradients(graph, needed);
    }

    static String parameterName(int layer, String parameter) {
        return "layers." + layer + "." + parameter;
    }

    /**
     * How many input frames after frame t the model's output at t depends on.
     *
     * @return frames; 0 for a causal model
     */
    public int futureReach() {
        return reaches().get(layers.size());
    }

    /** How many input frames after frame t the model's input (0) and the outputs of the layers at t depend on. */
    List<Integer> reaches() {
        Graph graph = graph();
        List<Integer> reaches = new ArrayList<>(List.of(0));
        for (int k = 0; k < layers.size(); k++) {
            reaches.add(layers.get(k).futureReach()
                    + graph.sources(k).stream().mapToInt(reaches::get).max().orElseThrow());
        }
        return reaches;
    }

    /** The most frames that a layer computes in a step of rollout: the tails of its inputs, and its own reach. */
    int stepFrames() {
        List<Integer> reaches = reaches();
        int most = 1;
        for (int k = 0; k < layers.size(); k++) {
            most = Math.max(most, 1 + reaches.get(k + 1) + layers.get(k).pastReach());
        }
        return most;
    }

    /**
     * The index of the layer whose sigmoid gives the output (later layers only move values); -1 if there is none. No
     * other layer reads what it returns: it could not lead to the output.
     */
    private int sigmoidLayer() {
        Graph graph = graph();
        int last = layers.size() - 1;
        while (last >= 0 && layers.get(last).movesValues()) {
            last = graph.sources(last).get(0) - 1;
        }
        return last >= 0 && layers.get(last).withoutSigmoid().isPresent() ? last : -1;
    }

    /**
     * The loss to compute for this model: binary cross-entropy is computed from the logits if the model ends in a
     * sigmoid.
     *
     * @param loss the loss to minimise
     * @return the loss to create the op with
     */
    public Loss computedAs(Loss loss) {
        return loss == Loss.BINARY_CROSSENTROPY && sigmoidLayer() >= 0 ? Loss.BINARY_CROSSENTROPY_FROM_LOGITS : loss;
    }

    /** The same model without its final sigmoid, for training on logits. */
    ModelConfig withoutSigmoid() {
        int index = sigmoidLayer();
        List<LayerConfig> changed = new ArrayList<>(layers);
        changed.set(index, layers.get(index).withoutSigmoid().orElseThrow());
        return new ModelConfig(input, changed, connections);
    }
}
