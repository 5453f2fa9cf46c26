package io.framecast.golden;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.tools.check.golden.Difference;
import io.framecast.tools.check.golden.Tolerance;
import java.util.List;

/** Assertions on the distance between float values and a reference. */
public final class Closeness {

    /** The tolerances of float32, relative to the largest. */
    public static final double OUTPUT = Tolerance.FP32.output();
    public static final double GRADIENT = Tolerance.FP32.gradient();

    private Closeness() {
    }

    public static double largest(float[] values) {
        return Difference.largest(values);
    }

    /** Asserts that no value differs by more than {@code tolerance} times the largest expected value. */
    public static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
        assertWithin(List.of(Difference.relative(what, expected, actual, tolerance)));
    }

    /** Asserts that no value differs by more than {@code bound}, and none is NaN. */
    public static void assertWithin(String what, float[] expected, float[] actual, double bound) {
        assertWithin(List.of(Difference.absolute(what, expected, actual, bound)));
    }

    /** Asserts that there are differences, and each is within its bound. */
    public static void assertWithin(List<Difference> differences) {
        assertTrue(!differences.isEmpty(), "nothing was compared");
        differences.forEach(difference -> assertTrue(difference.isWithin(), difference::toString));
    }
}
