package io.framecast.keras;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.nn.Connection;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.ParameterSpec;
import io.framecast.text.Quote;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A Keras network as a model of the engine. Models within the model are taken apart, layers that do nothing in
 * inference are left out, and so are those that do not lead to the output.
 */
final class ImportedModel {

    /** The model's input among the layers' indices. */
    private static final int INPUT = -1;

    private final LayerTranslation translation;
    private final List<ObjectNode> nodes = new ArrayList<>();
    private final List<List<Integer>> inputs = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    /** The Keras layer that the weights of each layer are of; null if it has none. */
    private final List<KerasLayer> owners = new ArrayList<>();

    ImportedModel(KerasNetwork network, boolean keras2) {
        translation = new LayerTranslation(keras2);
        int output = new Walk(network, INPUT, false).output();
        if (output != nodes.size() - 1 || output == INPUT) {
            throw new FramecastException("The Keras model has no layer that computes its output.");
        }
    }

    List<String> notes() {
        return translation.notes();
    }

    /** One network, from its output back to its input: so each layer comes after those that it takes outputs of. */
    private final class Walk {

        private final KerasNetwork network;
        private final boolean perFrame;
        private final Map<String, KerasLayer> layers = new HashMap<>();
        private final Map<String, Integer> outputs = new HashMap<>();
        private final Set<String> begun = new HashSet<>();

        /**
         * @param input the layer whose output the network takes
         * @param perFrame whether Keras applies it to frames
         */
        Walk(KerasNetwork network, int input, boolean perFrame) {
            this.network = network;
            this.perFrame = perFrame;
            network.layers().forEach(layer -> layers.put(layer.name(), layer));
            outputs.put(network.input(), input);
        }

        /** The layers that lead to the output, deepest first; a stack of names, since a model may be long. */
        int output() {
            Deque<String> open = new ArrayDeque<>(List.of(network.output()));
            begun.add(network.output());
            while (!open.isEmpty()) {
                String name = open.peek();
                KerasLayer layer = layers.get(name);
                if (layer == null && !outputs.containsKey(name)) {
                    throw new FramecastException("The layers of the Keras model take the output of \"" + Quote.of(name)
                            + "\", which is not there.");
                }
                Optional<String> before = outputs.containsKey(name) ? Optional.empty()
                        : layer.inputs().stream().filter(input -> !outputs.containsKey(input)).findFirst();
                if (before.isEmpty()) {
                    outputs.computeIfAbsent(name, key -> add(layer));
                    open.pop();
                } else if (begun.add(before.get())) {
                    open.push(before.get());
                } else {
                    throw new FramecastException("The layers of the Keras model take the output of \""
                            + Quote.of(before.get()) + "\", which takes theirs.");
                }
            }
            return outputs.get(network.output());
        }

        private int add(KerasLayer layer) {
            List<Integer> sources = layer.inputs().stream().map(outputs::get).toList();
            boolean merges = layer.type().equals("Add") || layer.type().equals("Concatenate");
            if (merges ? sources.size() < 2 : sources.size() != 1) {
                throw layer.settings().refused("it takes the outputs of " + sources.size() + " layers, as here only "
                        + "Add and Concatenate can, of 2 or more");
            }
            boolean frames = perFrame || layer.timeDistributed();
            return layer.inner() == null ? ImportedModel.this.add(layer, sources, frames)
                    : new Walk(layer.inner(), sources.get(0), frames).output();
        }
    }

    private int add(KerasLayer layer, List<Integer> sources, boolean perFrame) {
        int last = sources.get(0);
        boolean first = true;
        for (ObjectNode node : translation.translate(layer, perFrame)) {
            nodes.add(node);
            inputs.add(first ? sources : List.of(last));
            names.add(layer.name());
            owners.add(first && !layer.weights().isEmpty() ? layer : null);
            first = false;
            last = nodes.size() - 1;
        }
        return last;
    }

    /**
     * The model.
     *
     * @param file its name in messages
     * @throws FramecastException if the engine has no such layers, or they do not fit
     */
    ModelConfig model(FrameShape frames, Path file) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.putObject("input").put("height", frames.height()).put("width", frames.width())
                .put("channels", frames.channels());
        ArrayNode layers = json.putArray("layers");
        String[] given = new String[nodes.size()];
        for (int k = 0; k < nodes.size(); k++) {
            if (!inputs.get(k).equals(List.of(k - 1))) {
                ArrayNode from = nodes.get(k).putArray("inputs");
                for (int source : inputs.get(k)) {
                    if (source == INPUT) {
                        from.add(Connection.MODEL_INPUT);
                    } else {
                        given[source] = given[source] == null ? unique(names.get(source), given) : given[source];
                        nodes.get(source).put("name", given[source]);
                        from.add(given[source]);
                    }
                }
            }
            layers.add(nodes.get(k));
        }
        return ModelJson.parse(json.toString(), file.toString());
    }

    /** A name that the engine takes, as near to Keras's as possible. */
    private static String unique(String name, String[] given) {
        String plain = name.replaceAll("[^A-Za-z0-9_-]", "_");
        plain = plain.substring(0, Math.min(plain.length(), 50));
        List<String> taken = new ArrayList<>(Arrays.asList(given));
        taken.add(Connection.MODEL_INPUT);
        taken.add("");
        String unique = plain;
        for (int k = 2; taken.contains(unique); k++) {
            unique = plain + "_" + k;
        }
        return unique;
    }

    /** The parameters of the model, from the weights of Keras's layers. */
    Map<String, HostTensor> parameters(ModelConfig model, Map<KerasLayer, List<HostTensor>> weights) {
        return parameters(model, owners, weights);
    }

    /**
     * The parameters of a model.
     *
     * @param owners for each layer the Keras layer that its weights are of
     */
    static Map<String, HostTensor> parameters(ModelConfig model, List<KerasLayer> owners,
            Map<KerasLayer, List<HostTensor>> weights) {
        Map<String, HostTensor> parameters = new LinkedHashMap<>();
        List<List<FrameShape>> shapes = model.inputShapes();
        for (int k = 0; k < owners.size(); k++) {
            KerasLayer owner = owners.get(k);
            List<String> given = owner == null ? List.of() : owner.weights();
            for (ParameterSpec spec : model.layers().get(k).parameters(shapes.get(k))) {
                int index = given.indexOf(spec.name());
                parameters.put("layers." + k + "." + spec.name(), index < 0 ? missing(spec)
                        : fitted(weights.get(owner).get(index), spec, owner));
            }
        }
        return parameters;
    }

    /** What Keras computes without the parameter: without bias, center or scale. */
    private static HostTensor missing(ParameterSpec spec) {
        float[] values = new float[spec.size()];
        Arrays.fill(values, spec.name().equals("gamma") || spec.name().equals("moving_variance") ? 1 : 0);
        return new HostTensor(spec.shape(), values);
    }

    /** The values in the engine's shape, which has axes of length 1 before those of 2-D layers. */
    private static HostTensor fitted(HostTensor tensor, ParameterSpec spec, KerasLayer owner) {
        int more = spec.shape().length - tensor.shape().length;
        int[] shape = new int[spec.shape().length];
        Arrays.fill(shape, 1);
        if (more >= 0) {
            System.arraycopy(tensor.shape(), 0, shape, more, tensor.shape().length);
        }
        if (more < 0 || !Arrays.equals(shape, spec.shape())) {
            throw new FramecastException("The weight \"" + spec.name() + "\" of the " + owner.shown()
                    + " has the shape " + Quote.of(Arrays.toString(tensor.shape())) + " in the file; the model asks "
                    + "for " + Arrays.toString(spec.shape()) + ".");
        }
        for (float value : tensor.values()) {
            if (!Float.isFinite(value)) {
                throw new FramecastException("The weight \"" + spec.name() + "\" of the " + owner.shown()
                        + " has values that are NaN or infinite.");
            }
        }
        return new HostTensor(spec.shape(), tensor.values());
    }
}
