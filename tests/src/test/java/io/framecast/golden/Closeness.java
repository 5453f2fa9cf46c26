package io.framecast.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

/** Assertions on how close float values come to a reference. */
public final class Closeness {

    /**
     * What float32 outputs may differ from float64 ones, relative to the largest: some hundred roundings of 2^-24
     * in the longest sums here, taken as growing with the square root of their number, through a few frames.
     */
    public static final double OUTPUT = 1e-5;

    /** The same for gradients, whose sums run over all positions of all frames, and pass through all of the layers. */
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

    /** That no value is farther off than {@code tolerance} times the largest expected one. */
    public static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
        assertWithin(what, expected, actual, tolerance * largest(expected));
    }

    /** That no value is farther off than {@code bound}; NaN is. */
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
