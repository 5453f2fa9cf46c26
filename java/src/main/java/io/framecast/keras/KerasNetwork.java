package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The layers of a Keras model, from its config: a Sequential, or a functional model of one input and one output.
 *
 * @param layers in Keras's order
 * @param input the name of the input layer; for a Sequential a name that no layer has
 * @param output the name of the layer whose output is the model's
 * @param inputShape the sizes of all axes of the input, with null for open ones; missing if the config does not say
 */
record KerasNetwork(List<KerasLayer> layers, String input, String output, JsonNode inputShape) {

    /** The most layers: as in a model of the engine. */
    private static final int MAX_LAYERS = 1000;

    /** How deep models may be nested, and lists of inputs. */
    private static final int MAX_DEPTH = 16;

    /**
     * Reads a model.
     *
     * @param model an object with {@code class_name} and {@code config}
     * @throws FramecastException if it is another object
     */
    static KerasNetwork of(JsonNode model) {
        return of(model, 0);
    }

    private static KerasNetwork of(JsonNode model, int depth) {
        String type = model.path("class_name").asText();
        if (depth > MAX_DEPTH) {
            throw new FramecastException("The Keras model is nested more than " + MAX_DEPTH + " times.");
        }
        JsonNode config = model.path("config");
        // Early Keras 2 has the list alone.
        JsonNode list = config.isArray() ? config : config.path("layers");
        if (type.isEmpty()) {
            throw new FramecastException("The Keras model has no class in its config; load and save it with Keras "
                    + "again.");
        }
        if (!isNetwork(type) || !list.isArray()) {
            throw new FramecastException("The Keras model is of the class " + Quote.of(type) + ", whose Python code "
                    + "says what it computes; only Sequential and functional models can be imported.");
        }
        if (list.size() > MAX_LAYERS) {
            throw new FramecastException("The Keras model has " + list.size() + " layers; at most " + MAX_LAYERS
                    + " are possible.");
        }
        boolean sequential = type.equals("Sequential");
        List<KerasLayer> layers = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (JsonNode node : list) {
            KerasLayer layer = layer(node, sequential, layers, depth);
            if (!names.add(layer.name())) {
                throw new FramecastException("The Keras model has two layers of the name \"" + Quote.of(layer.name())
                        + "\".");
            }
            layers.add(layer);
        }
        if (layers.isEmpty()) {
            throw new FramecastException("The Keras model has no layers.");
        }
        if (sequential) {
            return new KerasNetwork(layers, "", layers.get(layers.size() - 1).name(), sequentialShape(model, layers));
        }
        String input = only(config, "input_layers");
        return new KerasNetwork(layers, input, only(config, "output_layers"), layers.stream()
                .filter(layer -> layer.name().equals(input)).findFirst().map(KerasNetwork::ownShape)
                .orElse(MissingNode.getInstance()));
    }

    private static boolean isNetwork(String type) {
        return type.equals("Sequential") || type.equals("Functional") || type.equals("Model");
    }

    private static KerasLayer layer(JsonNode node, boolean sequential, List<KerasLayer> before, int depth) {
        String type = node.path("class_name").asText();
        JsonNode config = node.path("config");
        String name = config.path("name").asText(node.path("name").asText(type + "_" + before.size()));
        List<String> inputs = !sequential ? inputs(name, type, node.path("inbound_nodes"))
                : List.of(before.isEmpty() ? "" : before.get(before.size() - 1).name());
        boolean timeDistributed = type.equals("TimeDistributed");
        if (timeDistributed) {
            node = config.path("layer");
            type = node.path("class_name").asText();
            config = node.path("config");
        }
        KerasNetwork inner = isNetwork(type) ? of(node, depth + 1) : null;
        KerasLayer layer = new KerasLayer(name, type, config, timeDistributed, inputs, inner);
        String registered = node.path("registered_name").asText("");
        if (type.equals("Lambda") || type.isEmpty() || registered.contains(">")) {
            throw new FramecastException("The " + layer.shown() + " is Python code in the model, which is not run "
                    + "here; build the model of Keras's own layers, and save it again.");
        }
        return layer;
    }

    /** What the layer is called with. */
    private static List<String> inputs(String name, String type, JsonNode nodes) {
        if (nodes.size() > 1) {
            throw new FramecastException("The layer \"" + Quote.of(name) + "\" (" + Quote.of(type) + ") is used "
                    + nodes.size() + " times with the same weights, which is not possible here; use a layer for each.");
        }
        List<String> inputs = new ArrayList<>();
        if (nodes.size() == 1) {
            JsonNode node = nodes.get(0);
            String problem = node.isArray() ? keras2(node, inputs) : keras3(node, inputs);
            if (problem != null) {
                throw new FramecastException("The layer \"" + Quote.of(name) + "\" (" + Quote.of(type)
                        + ") cannot be imported: it is called with " + problem + ".");
            }
        }
        return inputs;
    }

    /** {@code [["name", node, tensor, {arguments}], ...]}; a single one may be without the outer list. */
    private static String keras2(JsonNode node, List<String> inputs) {
        for (JsonNode from : node.path(0).isArray() ? node : List.of(node)) {
            String problem = from.path(3).isObject() ? argument(from.path(3)) : null;
            if (problem != null || !from.path(0).isTextual() || from.path(2).asInt() != 0) {
                return problem != null ? problem : "something else than an output of a layer";
            }
            inputs.add(from.path(0).textValue());
        }
        return null;
    }

    /** {@code {"args": [tensors], "kwargs": {arguments}}}. */
    private static String keras3(JsonNode node, List<String> inputs) {
        return tensors(node.path("args"), inputs, 0) ? argument(node.path("kwargs"))
                : "something else than an output of a layer";
    }

    private static boolean tensors(JsonNode list, List<String> inputs, int depth) {
        if (!list.isArray() || depth > MAX_DEPTH) {
            return false;
        }
        for (JsonNode tensor : list) {
            JsonNode history = tensor.path("config").path("keras_history");
            if (tensor.isArray() ? !tensors(tensor, inputs, depth + 1)
                    : !history.path(0).isTextual() || history.path(2).asInt() != 0) {
                return false;
            }
            if (!tensor.isArray()) {
                inputs.add(history.path(0).textValue());
            }
        }
        return true;
    }

    /** Why a named argument of a call has an effect; null if none has. */
    private static String argument(JsonNode arguments) {
        for (var argument : arguments.properties()) {
            JsonNode value = argument.getValue();
            if (!value.isNull() && !(value.isBoolean() && !value.booleanValue())) {
                return "\"" + Quote.of(argument.getKey()) + "\", which is not possible here";
            }
        }
        return null;
    }

    /** The layer of the only input or output: {@code ["name", 0, 0]}, also in a list. */
    private static String only(JsonNode config, String key) {
        JsonNode layers = config.path(key);
        if (layers.path(0).isArray() && layers.size() == 1) {
            layers = layers.path(0);
        }
        if (!layers.path(0).isTextual() || layers.path(2).asInt() != 0) {
            throw new FramecastException("The Keras model has not exactly one "
                    + (key.startsWith("input") ? "input" : "output") + ", as next-frame prediction needs.");
        }
        return layers.path(0).textValue();
    }

    private static JsonNode sequentialShape(JsonNode model, List<KerasLayer> layers) {
        KerasLayer first = layers.get(0);
        JsonNode shape = first.inner() != null ? first.inner().inputShape() : ownShape(first);
        for (JsonNode other : List.of(model.path("config").path("build_input_shape"),
                model.path("build_config").path("input_shape"))) {
            shape = shape.isArray() ? shape : other;
        }
        return shape;
    }

    private static JsonNode ownShape(KerasLayer layer) {
        JsonNode shape = layer.config().path("batch_shape");
        return shape.isArray() ? shape : layer.config().path("batch_input_shape");
    }
}
