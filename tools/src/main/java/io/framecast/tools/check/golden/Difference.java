package io.framecast.tools.check.golden;

import java.util.Locale;

/**
 * The largest difference of values from their reference, beside what is allowed.
 *
 * @param what the values' name
 * @param at the index of the value that is farthest off
 * @param of how many values there are
 * @param expected the reference there
 * @param actual the value there
 * @param error the absolute difference; NaN if a value is not a number
 * @param bound the largest that is allowed
 */
public record Difference(String what, int at, int of, double expected, double actual, double error, double bound) {

    /** Of values, where the bound is a share of the largest reference. */
    public static Difference relative(String what, float[] expected, float[] actual, double tolerance) {
        return absolute(what, expected, actual, tolerance * largest(expected));
    }

    /** Of values, each of which may be off by the bound. */
    public static Difference absolute(String what, float[] expected, float[] actual, double bound) {
        if (expected.length != actual.length) {
            throw new IllegalArgumentException(what + " has " + actual.length + " values, not " + expected.length);
        }
        Difference worst = null;
        for (int k = 0; k < expected.length; k++) {
            double error = Math.abs((double) actual[k] - expected[k]);
            // Not (error <= worst): a NaN is worse than any number.
            if (worst == null || !(error <= worst.error)) {
                worst = new Difference(what, k, expected.length, expected[k], actual[k], error, bound);
                if (Double.isNaN(error)) {
                    break;
                }
            }
        }
        return worst == null ? new Difference(what, 0, 0, 0, 0, 0, bound) : worst;
    }

    /** Of one number. */
    public static Difference of(String what, double expected, double actual, double bound) {
        return new Difference(what, 0, 1, expected, actual, Math.abs(actual - expected), bound);
    }

    /** The largest absolute value; 0 if there is none. */
    public static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /** Whether no value is off by more than the bound, and none is NaN. */
    public boolean isWithin() {
        return error <= bound;
    }

    /** The error as a share of the bound: 0 without an error, infinite for NaN or where no error is allowed. */
    public double share() {
        return error == 0 ? 0 : Double.isNaN(error) || bound == 0 ? Double.POSITIVE_INFINITY : error / bound;
    }

    @Override
    public String toString() {
        return what + (of > 1 ? " at " + at + " of " + of : "") + ": expected " + expected + ", was " + actual
                + String.format(Locale.ROOT, ", off by %.3g where %.3g is allowed", error, bound);
    }
}
