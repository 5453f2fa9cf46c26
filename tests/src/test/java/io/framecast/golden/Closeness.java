package io.framecast.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

/** Assertions on the distance between float values and a reference. */
public final class Closeness {

    /**
     * The tolerance of float32 outputs against float64 ones, relative to the largest: the longest sums here have some
     * hundred rounding errors of 2^-24, which grow with the square root of their number, over a few frames.
     */
    public static final double OUTPUT = 1e-5;

    /** The same for gradients, whose sums run over all positions and frames, and through all layers. */
    public static final double GRADIENT = 1e-4;

    private Closeness() {
    }

    public static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /** Asserts that no value differs by more than {@code tolerance} times the largest expected value. */
    public static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
        assertWithin(what, expected, actual, tolerance * largest(expected));
    }

    /** Asserts that no value differs by more than {@code bound}, and none is NaN. */
    public static void assertWithin(String what, float[] expected, float[] actual, double bound) {
        assertEquals(expected.length, actual.length, what + ": number of values");
        double worst = -1;
        int at = 0;
        for (int k = 0; k < expected.length; k++) {
            double error = Math.abs((double) actual[k] - expected[k]);
            if (!(error <= worst)) {
                worst = error;
                at = k;
                if (Double.isNaN(error)) {
                    break;
                }
            }
        }
        if (!(worst <= bound)) {
            fail(what + " at " + at + " of " + expected.length + ": expected " + expected[at] + ", was " + actual[at]
                    + ", off by " + worst + " where " + bound + " is allowed");
        }
    }
}
