package io.framecast.backend;

import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Keras's activations. The native code uses the same order. */
public enum Activation {
    /** x */
    LINEAR,
    /** max(x, 0) */
    RELU,
    /** 1/(1 + e^-x) */
    SIGMOID,
    /** tanh(x) */
    TANH,
    /** Keras 3: relu6(x + 3)/6 */
    HARD_SIGMOID,
    /** Keras 2: clip(0.2x + 0.5, 0, 1) */
    HARD_SIGMOID_KERAS2;

    /**
     * The name in model JSON.
     *
     * @return the lower-case name, such as "relu"
     */
    public String keras() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The activation with a name in model JSON.
     *
     * @param name as {@link #keras} returns it
     * @return the activation
     * @throws FramecastException if there is no activation of that name
     */
    public static Activation named(String name) {
        for (Activation activation : values()) {
            if (activation.keras().equals(name)) {
                return activation;
            }
        }
        throw new FramecastException("There is no activation \"" + Quote.of(name) + "\"; choose from "
                + Arrays.stream(values()).map(Activation::keras).collect(Collectors.joining(", ")) + ".");
    }
}
