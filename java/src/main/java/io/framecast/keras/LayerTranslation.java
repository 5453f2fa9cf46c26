package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.text.Quote;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Keras's layers as layers of model JSON. What Keras applies to each frame by itself, 2-D layers and Dense, becomes a
 * 3-D layer of size 1 in time.
 */
final class LayerTranslation {

    private final boolean keras2;
    private final Activations activations;
    private final Set<String> inactive = new LinkedHashSet<>();
    private final Set<String> stateful = new LinkedHashSet<>();
    /** Policies by which Keras computes in less than float32. */
    private final Set<String> policies = new LinkedHashSet<>();

    /** @param keras2 whether the model is of Keras 2 */
    LayerTranslation(boolean keras2) {
        this.keras2 = keras2;
        activations = new Activations(keras2);
    }

    /** What the user should know of the model, as sentences. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        if (!inactive.isEmpty()) {
            notes.add("Without effect here, as in Keras's predictions: " + String.join(", ", inactive) + ".");
        }
        if (!stateful.isEmpty()) {
            notes.add("Each video begins with an empty state here, also in " + String.join(", ", stateful)
                    + ", which Keras calls stateful.");
        }
        if (!policies.isEmpty()) {
            notes.add("All is computed in float32 here, or in the precision of the run, and not by Keras's policy "
                    + String.join(", ", policies) + ".");
        }
        return notes;
    }

    /** A name, or an object that names a policy. */
    private void notePolicy(JsonNode dtype) {
        String name = dtype.isTextual() ? dtype.textValue() : dtype.path("config").path("name").asText("");
        if (name.startsWith("mixed_") || name.endsWith("float16")) {
            policies.add(Quote.of(name));
        }
    }

    /**
     * The layers that compute the same. The weights are those of the first.
     *
     * @param perFrame whether Keras applies the layer to frames, not to videos
     * @return empty for a layer that returns what it takes
     */
    List<ObjectNode> translate(KerasLayer layer, boolean perFrame) {
        LayerSettings settings = layer.settings();
        notePolicy(layer.config().path("dtype"));
        List<ObjectNode> layers = switch (layer.type()) {
            case "InputLayer", "Identity" -> List.of();
            case "ConvLSTM2D" -> convLstm(layer, settings, perFrame);
            case "Conv3D", "Conv3DTranspose" -> convolution(layer.type(), settings, ofVideo(settings, perFrame));
            case "Conv2D", "Conv2DTranspose" -> convolution(layer.type().replace("2D", "3D"), settings, false);
            case "Dense" -> dense(settings);
            case "MaxPooling3D", "AveragePooling3D" ->
                    pooling(layer.type(), settings, ofVideo(settings, perFrame));
            case "MaxPooling2D", "AveragePooling2D" -> pooling(layer.type().replace("2D", "3D"), settings, false);
            case "UpSampling3D" -> upSampling(settings, ofVideo(settings, perFrame));
            case "UpSampling2D" -> upSampling(settings, false);
            case "BatchNormalization" -> batchNormalization(settings, perFrame);
            case "LayerNormalization" -> layerNormalization(settings, perFrame);
            case "Dropout", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
                    "ActivityRegularization" -> {
                inactive.add(layer.shown());
                yield List.of();
            }
            case "Activation" -> activations.layer(settings, settings.take("activation")).stream().toList();
            case "ReLU", "LeakyReLU", "ELU" -> activations.ofLayer(layer.type(), settings).stream().toList();
            case "Add" -> List.of(type("Add"));
            case "Concatenate" -> {
                settings.requireChannelsAxis(perFrame ? 4 : 5);
                yield List.of(type("Concatenate"));
            }
            case "Rescaling" -> List.of(type("Rescaling").put("scale", settings.number("scale", 1))
                    .put("offset", settings.number("offset", 0)));
            default -> throw settings.refused("there is no such layer here");
        };
        if (!layers.isEmpty()) {
            settings.nothingElse();
        }
        return layers;
    }

    private static ObjectNode type(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    private static ArrayNode list(int... numbers) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        Arrays.stream(numbers).forEach(list::add);
        return list;
    }

    private static boolean ofVideo(LayerSettings settings, boolean perFrame) {
        if (perFrame) {
            throw settings.refused("a layer of videos within TimeDistributed is not possible here");
        }
        return true;
    }

    private List<ObjectNode> convLstm(KerasLayer layer, LayerSettings settings, boolean perFrame) {
        ofVideo(settings, perFrame);
        settings.requireChannelsLast();
        settings.requireFlag("return_sequences", true, false, "it returns the last frame alone; build it with "
                + "return_sequences=True, and a model that returns a frame for each");
        settings.requireFlag("return_state", false, false, "it returns its state, too (return_state)");
        settings.requireFlag("go_backwards", false, false, "it reads videos from their end (go_backwards)");
        settings.requireFlag("time_major", false, false, "its first axis is time (time_major)");
        if (settings.flag("stateful", false)) {
            stateful.add(layer.shown());
        }
        if (settings.number("dropout", 0) + settings.number("recurrent_dropout", 0) > 0) {
            inactive.add("the dropout of the " + layer.shown());
        }
        settings.flag("use_bias", true);
        ObjectNode node = type("ConvLSTM2D").put("filters", settings.integer("filters"));
        node.set("kernel_size", list(settings.integers("kernel_size", 2, 1)));
        node.set("strides", list(settings.integers("strides", 2, 1)));
        node.put("padding", settings.text("padding", "valid"));
        node.set("dilation_rate", list(settings.integers("dilation_rate", 2, 1)));
        node.put("activation", activations.within(settings, "activation", "tanh"));
        node.put("recurrent_activation", activations.within(settings, "recurrent_activation",
                keras2 ? "hard_sigmoid" : "sigmoid"));
        return List.of(node);
    }

    /** Three numbers for time, height and width; the first is 1 for a layer of frames. */
    private static int[] sizes(LayerSettings settings, String key, boolean video, int byDefault) {
        if (video) {
            return settings.integers(key, 3, byDefault);
        }
        int[] frame = settings.integers(key, 2, byDefault);
        return new int[] {1, frame[0], frame[1]};
    }

    private static void requireOneInTime(LayerSettings settings, int size, String key) {
        if (size != 1) {
            throw settings.refused("its " + key + " changes the number of frames");
        }
    }

    private List<ObjectNode> convolution(String type, LayerSettings settings, boolean video) {
        settings.requireChannelsLast();
        int[] kernel = sizes(settings, "kernel_size", video, 1);
        int[] strides = sizes(settings, "strides", video, 1);
        int[] dilation = sizes(settings, "dilation_rate", video, 1);
        requireOneInTime(settings, strides[0], "\"strides\"");
        requireOneInTime(settings, dilation[0], "\"dilation_rate\"");
        if (settings.take("groups") != null && settings.integer("groups") != 1) {
            throw settings.refused("convolutions in groups are not possible here");
        }
        settings.flag("use_bias", true);
        String padding = settings.text("padding", "valid");
        boolean pointwise = Arrays.stream(kernel).allMatch(size -> size == 1);
        if (padding.equals("valid") && kernel[0] != 1) {
            throw settings.refused("with \"valid\" padding and a kernel of " + kernel[0] + " frames it returns fewer "
                    + "frames than it takes; use padding=\"same\"");
        }
        ObjectNode node = type(type).put("filters", settings.integer("filters"));
        node.set("kernel_size", list(kernel));
        if (!Arrays.equals(strides, new int[] {1, 1, 1})) {
            node.set("strides", list(strides));
        }
        if (!Arrays.equals(dilation, new int[] {1, 1, 1})) {
            if (type.equals("Conv3DTranspose")) {
                throw settings.refused("a transposed convolution with dilation is not possible here");
            }
            node.set("dilation_rate", list(dilation));
        }
        // Both are the same for a kernel of one value, whatever the strides.
        node.put("padding", pointwise && type.equals("Conv3D") ? "same" : padding);
        return withActivation(node, settings);
    }

    private List<ObjectNode> dense(LayerSettings settings) {
        settings.flag("use_bias", true);
        ObjectNode node = type("Conv3D").put("filters", settings.integer("units"));
        node.set("kernel_size", list(1, 1, 1));
        return withActivation(node.put("padding", "same"), settings);
    }

    private List<ObjectNode> withActivation(ObjectNode node, LayerSettings settings) {
        node.put("activation", activations.fused(settings, "activation", "linear"));
        List<ObjectNode> layers = new ArrayList<>(List.of(node));
        activations.after(settings, "activation", "linear").ifPresent(layers::add);
        return layers;
    }

    private static List<ObjectNode> pooling(String type, LayerSettings settings, boolean video) {
        settings.requireChannelsLast();
        int[] pool = sizes(settings, "pool_size", video, 2);
        int[] strides = settings.take("strides") == null ? pool : sizes(settings, "strides", video, 1);
        requireOneInTime(settings, pool[0], "\"pool_size\"");
        requireOneInTime(settings, strides[0], "\"strides\"");
        ObjectNode node = type(type);
        node.set("pool_size", list(pool));
        node.set("strides", list(strides));
        return List.of(node.put("padding", settings.text("padding", "valid")));
    }

    private static List<ObjectNode> upSampling(LayerSettings settings, boolean video) {
        settings.requireChannelsLast();
        int[] size = sizes(settings, "size", video, 2);
        requireOneInTime(settings, size[0], "\"size\"");
        String interpolation = settings.text("interpolation", "nearest");
        if (!interpolation.equals("nearest") && !interpolation.equals("bilinear")) {
            throw settings.refused("its interpolation must be nearest or bilinear");
        }
        ObjectNode node = type("UpSampling3D");
        node.set("size", list(size));
        return List.of(node.put("interpolation", interpolation));
    }

    private static List<ObjectNode> batchNormalization(LayerSettings settings, boolean perFrame) {
        settings.requireChannelsAxis(perFrame ? 4 : 5);
        settings.flag("center", true);
        settings.flag("scale", true);
        settings.requireFlag("renorm", false, false, "batch renormalisation is not possible here");
        return List.of(type("BatchNormalization").put("epsilon", settings.number("epsilon", 1e-3))
                .put("momentum", settings.number("momentum", 0.99)));
    }

    private static List<ObjectNode> layerNormalization(LayerSettings settings, boolean perFrame) {
        settings.requireChannelsAxis(perFrame ? 4 : 5);
        settings.flag("center", true);
        settings.flag("scale", true);
        settings.requireFlag("rms_scaling", false, false, "scaling by the root mean square is not possible here");
        return List.of(type("LayerNormalization").put("epsilon", settings.number("epsilon", 1e-3)));
    }
}
