package io.framecast.backend.cuda.launch;

import io.framecast.backend.Activation;

/** The activations by their definitions, in float64. */
public final class Activations {

    private Activations() {
    }

    public static double activate(Activation activation, double x) {
        return switch (activation) {
            case LINEAR -> x;
            case RELU -> Math.max(0, x);
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
            case HARD_SIGMOID -> Math.min(6, Math.max(0, x + 3)) / 6;
            case HARD_SIGMOID_KERAS2 -> Math.min(1, Math.max(0, 0.2 * x + 0.5));
        };
    }
}
