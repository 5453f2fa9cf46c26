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

    /** The derivative of an activation where its value is y. */
    public static double derivative(Activation activation, double y) {
        return switch (activation) {
            case LINEAR -> 1;
            case RELU -> y > 0 ? 1 : 0;
            case SIGMOID -> y * (1 - y);
            case TANH -> 1 - y * y;
            case HARD_SIGMOID -> y > 0 && y < 1 ? 1.0 / 6 : 0;
            case HARD_SIGMOID_KERAS2 -> y > 0 && y < 1 ? 0.2 : 0;
        };
    }
}
