package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.nn.Connection;
import io.framecast.nn.FrameShape;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * A model of the engine as a functional model of Keras 3: its config, and the names that Keras gives its layers.
 *
 * @param json the config
 * @param names Keras's name of each layer
 * @param types Keras's class of each layer
 */
record KerasConfig(ObjectNode json, List<String> names, List<String> types) {

    static final String INPUT = "input";
    private static final String INPUT_TYPE = "InputLayer";
    private static final JsonMapper MAPPER = new JsonMapper();

    /** The engine's layers that have the settings of Keras's layer of the same name. */
    private static final Set<String> SAME = Set.of("ConvLSTM2D", "Conv3D", "Conv3DTranspose", "BatchNormalization",
            "LayerNormalization", "MaxPooling3D", "AveragePooling3D", "Activation", "LeakyReLU", "Rescaling", "Add",
            "Concatenate");

    static KerasConfig of(ModelConfig model) {
        List<String> names = names(model);
        List<String> types = new ArrayList<>();
        ObjectNode json = object("keras.src.models.functional", "Functional");
        ObjectNode config = json.putObject("config").put("name", "framecast").put("trainable", true);
        ArrayNode layers = config.putArray("layers");
        ObjectNode input = object("keras.layers", INPUT_TYPE);
        input.putObject("config").put("name", INPUT).put("dtype", "float32").set("batch_shape", shape(model.input()));
        input.put("name", INPUT).putArray("inbound_nodes");
        layers.add(input);
        List<FrameShape> shapes = model.shapes();
        for (int k = 0; k < model.layers().size(); k++) {
            LayerConfig layer = model.layers().get(k);
            ObjectNode node = layer(layer, names.get(k), k);
            types.add(node.get("class_name").textValue());
            ArrayNode tensors = JsonNodeFactory.instance.arrayNode();
            for (int source : sources(model, k)) {
                tensors.add(tensor(source == 0 ? INPUT : names.get(source - 1), shapes.get(source)));
            }
            ObjectNode call = node.put("name", names.get(k)).putArray("inbound_nodes").addObject();
            // A layer that merges takes one argument, a list.
            call.set("args", tensors.size() == 1 ? tensors : JsonNodeFactory.instance.arrayNode().add(tensors));
            call.putObject("kwargs");
            layers.add(node);
        }
        config.set("input_layers", end(INPUT));
        config.set("output_layers", end(names.get(names.size() - 1)));
        json.put("registered_name", "Functional").putObject("build_config").putNull("input_shape");
        return new KerasConfig(json, names, types);
    }

    private static ObjectNode object(String module, String type) {
        return JsonNodeFactory.instance.objectNode().put("module", module).put("class_name", type)
                .putNull("registered_name");
    }

    private static ArrayNode shape(FrameShape frames) {
        return JsonNodeFactory.instance.arrayNode().addNull().addNull().add(frames.height()).add(frames.width())
                .add(frames.channels());
    }

    /** A single input or output; within a list it would be a list of one for Keras. */
    private static ArrayNode end(String name) {
        return JsonNodeFactory.instance.arrayNode().add(name).add(0).add(0);
    }

    private static ObjectNode tensor(String name, FrameShape frames) {
        ObjectNode tensor = JsonNodeFactory.instance.objectNode().put("class_name", "__keras_tensor__");
        ObjectNode config = tensor.putObject("config");
        config.put("dtype", "float32").putArray("keras_history").add(name).add(0).add(0);
        config.set("shape", shape(frames));
        return tensor;
    }

    /** The inputs of a layer: 0 is the model's, k + 1 layer k. */
    private static List<Integer> sources(ModelConfig model, int layer) {
        List<String> inputs = model.connections().get(layer).inputs();
        if (inputs.isEmpty()) {
            return List.of(layer);
        }
        Map<String, Integer> places = new HashMap<>(Map.of(Connection.MODEL_INPUT, 0));
        for (int k = 0; k < layer; k++) {
            places.put(model.connections().get(k).name(), k + 1);
        }
        return inputs.stream().map(places::get).toList();
    }

    /** The names that layers have, and for the others their classes, in snake case, with numbers. */
    private static List<String> names(ModelConfig model) {
        Set<String> taken = new HashSet<>(List.of(INPUT));
        model.connections().forEach(connection -> taken.add(connection.name()));
        List<String> names = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            String name = model.connections().get(k).name();
            String type = snakeCase(model.layers().get(k).type());
            for (int number = 0; name.isEmpty(); number++) {
                String next = number == 0 ? type : type + "_" + number;
                name = taken.add(next) ? next : "";
            }
            names.add(name);
        }
        return names;
    }

    /** The names of the groups that Keras stores the layers' weights in, after that of the input layer. */
    List<String> groups() {
        Map<String, Integer> used = new HashMap<>();
        return types.stream().map(type -> {
            int number = used.merge(type, 1, Integer::sum) - 1;
            return number == 0 ? snakeCase(type) : snakeCase(type) + "_" + number;
        }).toList();
    }

    /** As Keras 3 does. */
    private static String snakeCase(String type) {
        return type.replaceAll("(.)([A-Z][a-z]+)", "$1_$2").replaceAll("([a-z])([A-Z])", "$1_$2")
                .toLowerCase(Locale.ROOT);
    }

    private static ObjectNode layer(LayerConfig layer, String name, int index) {
        Map<String, Object> settings = layer.settings();
        if (settings.containsValue("hard_sigmoid_keras2")) {
            throw new FramecastException("Layer " + index + " (" + layer.type() + ") cannot be exported: Keras 3 has "
                    + "no hard_sigmoid_keras2, the hard sigmoid of Keras 2.");
        }
        if (layer.type().equals("UpSampling3D") && "bilinear".equals(settings.get("interpolation"))) {
            return bilinear(settings, name);
        }
        if (!SAME.contains(layer.type()) && !layer.type().equals("UpSampling3D")) {
            throw new FramecastException("Layer " + index + " (" + layer.type() + ") cannot be exported: Keras has no "
                    + "such layer.");
        }
        ObjectNode node = object("keras.layers", layer.type());
        ObjectNode config = node.putObject("config").put("name", name);
        settings.forEach((key, value) -> config.set(key, MAPPER.<JsonNode>valueToTree(value)));
        config.remove("interpolation"); // UpSampling3D in Keras is always nearest.
        if (layer.type().equals("ConvLSTM2D")) {
            config.put("return_sequences", true);
        }
        return node;
    }

    /** In Keras only UpSampling2D interpolates. */
    private static ObjectNode bilinear(Map<String, Object> settings, String name) {
        JsonNode size = MAPPER.valueToTree(settings.get("size"));
        ObjectNode node = object("keras.layers", "TimeDistributed");
        ObjectNode inner = object("keras.layers", "UpSampling2D");
        ObjectNode config = inner.putObject("config").put("name", name + "_frame").put("interpolation", "bilinear");
        config.putArray("size").add(size.get(1)).add(size.get(2));
        node.putObject("config").put("name", name).set("layer", inner);
        return node;
    }
}
