package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.text.Quote;
import java.util.Optional;
import java.util.Set;

/**
 * Keras's activations in the engine: within a convolution, or as a layer of model JSON after it.
 *
 * @param keras2 whether the model is of Keras 2, whose hard sigmoid is another
 */
record Activations(boolean keras2) {

    /** What convolutions compute themselves. */
    private static final Set<String> FUSED = Set.of("linear", "relu", "tanh", "sigmoid", "hard_sigmoid",
            "hard_sigmoid_keras2");

    private static final Set<String> LAYERS = Set.of("elu", "selu", "silu", "gelu", "softplus", "relu6", "exponential");

    /** The slope of Keras's function leaky_relu; that of the layer LeakyReLU is another. */
    private static final double FUNCTION_SLOPE = 0.2;
    private static final double LAYER_SLOPE = 0.3;

    /** The activation that a convolution computes; "linear" if a layer after it does. */
    String fused(LayerSettings settings, String key, String byDefault) {
        String name = name(settings, settings.take(key), byDefault);
        return FUSED.contains(name) ? name : "linear";
    }

    /** The activation of a ConvLSTM2D, which no layer can compute. */
    String within(LayerSettings settings, String key, String byDefault) {
        String name = name(settings, settings.take(key), byDefault);
        if (!FUSED.contains(name)) {
            throw settings.refused("a ConvLSTM2D with the " + key + " " + Quote.of(name) + " is not possible here");
        }
        return name;
    }

    /** The layer that computes the activation of a convolution after it, if it does not itself. */
    Optional<ObjectNode> after(LayerSettings settings, String key, String byDefault) {
        JsonNode given = settings.take(key);
        return FUSED.contains(name(settings, given, byDefault)) ? Optional.empty() : layer(settings, given);
    }

    /** An activation as a layer; none for the linear one. */
    Optional<ObjectNode> layer(LayerSettings settings, JsonNode given) {
        String name = name(settings, given, "linear");
        if (name.equals("linear")) {
            return Optional.empty();
        }
        if (FUSED.contains(name) || LAYERS.contains(name)) {
            return Optional.of(type("Activation").put("activation", name));
        }
        JsonNode config = given.path("config");
        return switch (name) {
            case "leaky_relu" -> Optional.of(leaky(FUNCTION_SLOPE));
            case "ReLU", "LeakyReLU", "ELU" -> ofLayer(name, new LayerSettings("activation " + name, config));
            default -> throw settings.refused("there is no activation " + Quote.of(name) + " here");
        };
    }

    /** The layers ReLU, LeakyReLU and ELU. */
    Optional<ObjectNode> ofLayer(String type, LayerSettings settings) {
        switch (type) {
            case "LeakyReLU" -> {
                double slope = settings.number("negative_slope", settings.number("alpha", LAYER_SLOPE));
                return Optional.of(leaky(slope));
            }
            case "ELU" -> {
                if (settings.number("alpha", 1) != 1) {
                    throw settings.refused("an ELU with another alpha than 1 is not possible here");
                }
                return Optional.of(type("Activation").put("activation", "elu"));
            }
            default -> {
                double slope = settings.number("negative_slope", 0);
                double most = settings.number("max_value", Double.POSITIVE_INFINITY);
                boolean limited = most != Double.POSITIVE_INFINITY;
                if (settings.number("threshold", 0) != 0 || limited && (most != 6 || slope != 0)) {
                    throw settings.refused("a ReLU with a threshold, or another max_value than 6, is not possible "
                            + "here");
                }
                return Optional.of(slope != 0 ? leaky(slope)
                        : type("Activation").put("activation", most == 6 ? "relu6" : "relu"));
            }
        }
    }

    private static ObjectNode leaky(double slope) {
        return type("LeakyReLU").put("negative_slope", slope);
    }

    private static ObjectNode type(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    /** The engine's name of an activation: a name, a registered function, or a layer, whose class is returned. */
    private String name(LayerSettings settings, JsonNode given, String byDefault) {
        if (given == null) {
            return byDefault.equals("hard_sigmoid") && keras2 ? "hard_sigmoid_keras2" : byDefault;
        }
        String name = given.isTextual() ? given.textValue() : given.path("class_name").asText("");
        if (name.equals("function") || name.isEmpty()) {
            throw settings.refused("its activation " + Quote.of(given.path("config")) + " is Python code, which is not "
                    + "run here");
        }
        return switch (name) {
            case "hard_sigmoid" -> keras2 ? "hard_sigmoid_keras2" : name;
            case "swish" -> "silu";
            default -> name;
        };
    }
}
