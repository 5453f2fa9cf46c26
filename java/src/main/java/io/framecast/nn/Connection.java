package io.framecast.nn;

import io.framecast.text.Settings;
import java.util.List;
import java.util.regex.Pattern;

/**
 * How a layer is connected to others: its {@code "name"} and its {@code "inputs"} in model JSON.
 *
 * @param name by which other layers take this one's output; empty if it has none
 * @param inputs the names of the layers whose outputs it takes, or {@link #MODEL_INPUT}; empty: it takes the output of
 *     the layer before it in the list, and the first layer the model's input
 */
public record Connection(String name, List<String> inputs) {

    /** The name of the model's input frames. */
    public static final String MODEL_INPUT = "input";

    /** A layer without a name that takes the output of the layer before it. */
    public static final Connection PREVIOUS = new Connection("", List.of());

    /** What a name is made of, in words. */
    static final String NAME_RULE = "1 to 64 letters, digits, \"_\" and \"-\"";

    /** The most inputs of a layer: a limit for untrusted files. */
    static final int MAX_INPUTS = 64;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    /**
     * Checks the names; {@link ModelConfig} checks which of them there are.
     *
     * @param name empty, or letters, digits, "_" and "-", and not {@link #MODEL_INPUT}
     * @param inputs at most 64; copied
     * @throws IllegalArgumentException if a name is another text
     */
    public Connection {
        Settings.require(name != null && (name.isEmpty() || isLayerName(name)), "name", name,
                NAME_RULE + ", and not \"" + MODEL_INPUT + "\"");
        Settings.require(inputs != null && inputs.size() <= MAX_INPUTS && inputs.stream().allMatch(Connection::isName),
                "inputs", inputs, "at most " + MAX_INPUTS + " names of " + NAME_RULE);
        inputs = List.copyOf(inputs);
    }

    /** Whether it can be the name of an input. */
    static boolean isName(String text) {
        return text != null && NAME.matcher(text).matches();
    }

    /** Whether it can be the name of a layer. */
    static boolean isLayerName(String text) {
        return isName(text) && !text.equals(MODEL_INPUT);
    }
}
