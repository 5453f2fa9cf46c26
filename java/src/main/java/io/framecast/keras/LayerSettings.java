package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The settings of a layer in Keras's config. Each is taken once. One that is not taken is an error, unless it has no
 * effect on what the layer computes in inference: it may change the outputs in a way that nobody here knows.
 */
final class LayerSettings {

    private static final Set<String> WITHOUT_EFFECT = Set.of("name", "trainable", "dtype", "batch_shape",
            "batch_input_shape", "input_shape", "build_input_shape", "sparse", "ragged", "optional", "seed",
            "implementation", "unit_forget_bias", "unroll", "zero_output_for_mask", "fused", "synchronized",
            "noise_shape", "renorm_momentum", "autocast", "input_dtype", "force_generator");
    private static final Pattern OF_TRAINING = Pattern.compile(".*_(initializer|regularizer|constraint)");

    private final String layer;
    private final JsonNode config;
    private final Set<String> taken = new HashSet<>();

    /** @param layer the layer's name and type in messages */
    LayerSettings(String layer, JsonNode config) {
        this.layer = layer;
        this.config = config;
    }

    FramecastException refused(String why) {
        return new FramecastException("The " + layer + " cannot be imported: " + why + ".");
    }

    private FramecastException wrong(String key, String expected) {
        return refused("its \"" + key + "\" must be " + expected + ", not " + Quote.of(config.get(key)));
    }

    /** The value; null if it is missing or null. */
    JsonNode take(String key) {
        taken.add(key);
        return config.hasNonNull(key) ? config.get(key) : null;
    }

    boolean flag(String key, boolean byDefault) {
        JsonNode value = take(key);
        if (value != null && !value.isBoolean()) {
            throw wrong(key, "true or false");
        }
        return value == null ? byDefault : value.booleanValue();
    }

    String text(String key, String byDefault) {
        JsonNode value = take(key);
        if (value != null && !value.isTextual()) {
            throw wrong(key, "a string");
        }
        return value == null ? byDefault : value.textValue();
    }

    double number(String key, double byDefault) {
        JsonNode value = take(key);
        if (value != null && !value.isNumber()) {
            throw wrong(key, "a number");
        }
        return value == null ? byDefault : value.doubleValue();
    }

    int integer(String key) {
        JsonNode value = take(key);
        if (value == null || !value.isInt()) {
            throw wrong(key, "a whole number");
        }
        return value.intValue();
    }

    /** A number for all axes, or a list of one for each. */
    int[] integers(String key, int count, int byDefault) {
        JsonNode value = take(key);
        int[] numbers = new int[count];
        Arrays.fill(numbers, byDefault);
        for (int k = 0; k < count && value != null; k++) {
            JsonNode number = value.isArray() ? value.get(k) : value;
            if (number == null || !number.isInt() || value.isArray() && value.size() != count) {
                throw wrong(key, "a whole number or a list of " + count);
            }
            numbers[k] = number.intValue();
        }
        return numbers;
    }

    /** Refuses a setting that would change what the layer computes. */
    void requireFlag(String key, boolean expected, boolean byDefault, String why) {
        if (flag(key, byDefault) != expected) {
            throw refused(why);
        }
    }

    /** The channels are last, as in the engine. */
    void requireChannelsLast() {
        if (!text("data_format", "channels_last").equals("channels_last")) {
            throw refused("its channels are first; build the model with data_format=\"channels_last\", copy its "
                    + "weights (set_weights), and save it again");
        }
    }

    /**
     * The axis of the channels.
     *
     * @param rank how many axes the layer's input has
     */
    void requireChannelsAxis(int rank) {
        JsonNode axis = take("axis");
        if (axis != null && axis.isArray() && axis.size() == 1) {
            axis = axis.get(0);
        }
        if (axis != null && (!axis.isInt() || axis.intValue() != -1 && axis.intValue() != rank - 1)) {
            throw wrong("axis", "the last, that of the channels");
        }
    }

    /** Refuses a setting that nothing has asked for. */
    void nothingElse() {
        for (Iterator<String> names = config.fieldNames(); names.hasNext();) {
            String name = names.next();
            JsonNode value = config.get(name);
            if (!taken.contains(name) && !WITHOUT_EFFECT.contains(name) && !OF_TRAINING.matcher(name).matches()
                    && !value.isNull() && !(value.isBoolean() && !value.booleanValue())) {
                throw refused("its \"" + Quote.of(name) + "\" is not known here");
            }
        }
    }
}
