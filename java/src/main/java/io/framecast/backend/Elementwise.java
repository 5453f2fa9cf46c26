package io.framecast.backend;

import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Functions of one value. The native code and the CUDA kernels know them by their names. */
public enum Elementwise {
    /** x */
    LINEAR,
    /** max(x, 0) */
    RELU,
    /** min(max(x, 0), 6) */
    RELU6,
    /** x if above 0, else e^x - 1 */
    ELU,
    /** 1.0507009873554805 * (x if above 0, else 1.6732632423543772 * (e^x - 1)) */
    SELU,
    /** x/(1 + e^-x) */
    SILU,
    /** x * Phi(x), Phi the normal distribution: x * (1 + erf(x/sqrt(2)))/2 */
    GELU,
    /** log(1 + e^x) */
    SOFTPLUS,
    /** 1/(1 + e^-x) */
    SIGMOID,
    /** Keras 3: relu6(x + 3)/6 */
    HARD_SIGMOID,
    /** Keras 2: clip(0.2x + 0.5, 0, 1) */
    HARD_SIGMOID_KERAS2,
    /** tanh(x) */
    TANH,
    /** e^x */
    EXPONENTIAL,
    /** x if above 0, else alpha*x */
    LEAKY_RELU,
    /** alpha*x + beta */
    RESCALING;

    /**
     * Whether it is one of Keras's activations, without further parameters.
     *
     * @return false for those that have parameters
     */
    public boolean isActivation() {
        return this != LEAKY_RELU && this != RESCALING;
    }

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
    public static Elementwise named(String name) {
        return Arrays.stream(values()).filter(function -> function.isActivation() && function.keras().equals(name))
                .findAny().orElseThrow(() -> new FramecastException("There is no activation \"" + Quote.of(name)
                        + "\"; choose from " + Arrays.stream(values()).filter(Elementwise::isActivation)
                                .map(Elementwise::keras).collect(Collectors.joining(", ")) + "."));
    }
}
