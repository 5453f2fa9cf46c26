package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static io.framecast.golden.Closeness.largest;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.golden.Golden;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Muon against its formula in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class MuonOpTest {

    private static final double RATE = 0.01;

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("muon").cases();
    }

    /** Two kernels lie in one buffer; the values between and after them must not change. */
    @ParameterizedTest
    @MethodSource("cases")
    void stepsOfTwoKernelsAgreeForAllSizesOfGradients(Golden.Case c) {
        int[] shape = c.shape("start");
        int count = shape.length == 4 ? 4 : 1;
        int pitch = shape[shape.length - 1];
        float[] start = c.values("start");
        int size = start.length;
        Matrices first = new Matrices(3, count, size / pitch, pitch / count);
        Matrices second = new Matrices(size + 5, count, size / pitch, pitch / count);
        try (TestBackend backend = TestBackend.fp32(device)) {
            Tensor parameters = backend.tensor(twice(start, 0.5f));
            Tensor gradients = backend.tensor(new float[2 * size + 6]);
            MuonOp op = backend.own(backend.get().muon(parameters, gradients, List.of(first, second), 0.95));
            op.setRate(RATE);
            int steps = c.shape("gradients")[0];
            double step = RATE * 0.2 * Math.sqrt(first.longer());
            double largest = 0;
            for (int k = 0; k < steps; k++) {
                float[] g = part(c.values("gradients"), k, size);
                largest = Math.max(largest, largest(g));
                gradients.write(twice(g, 7));
                op.update();
                float[] p = parameters.read();
                float[] m = op.momentum().read();
                // A few roundings of 2^-24 a step.
                double ofM = Math.scalb(4.0 * (k + 1), -24) * largest;
                // The iteration multiplies the smallest singular values, and the roundings of X, by up to
                // 3.4445^5 = 485; those are of about 2^-24 for values of X up to 1. The rest is P's own rounding.
                double ofP = (k + 1) * (step * 485 * Math.scalb(2, -24) + Math.scalb(largest(start) + step * k, -24));
                for (Matrices some : List.of(first, second)) {
                    int from = (int) some.offset();
                    assertWithin("p", part(c.values("p"), k, size), Arrays.copyOfRange(p, from, from + size), ofP);
                    assertWithin("m", part(c.values("m"), k, size), Arrays.copyOfRange(m, from, from + size), ofM);
                }
                for (int i : new int[] {0, 1, 2, size + 3, size + 4, 2 * size + 5}) {
                    assertEquals(0.5f, p[i]);
                    assertEquals(0, m[i]);
                }
            }
        }
    }

    private static float[] part(float[] values, int k, int size) {
        return Arrays.copyOfRange(values, k * size, (k + 1) * size);
    }

    /** The kernel at 3 and at size + 5, and another value elsewhere. */
    private static float[] twice(float[] kernel, float elsewhere) {
        float[] all = new float[2 * kernel.length + 6];
        Arrays.fill(all, elsewhere);
        System.arraycopy(kernel, 0, all, 3, kernel.length);
        System.arraycopy(kernel, 0, all, kernel.length + 5, kernel.length);
        return all;
    }

    @Test
    void withoutAGradientNothingMoves() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            float[] values = {1, -2, 3, 4, 5, -6};
            Tensor parameters = backend.tensor(values);
            MuonOp op = backend.own(backend.get().muon(parameters, backend.tensor(new float[6]),
                    List.of(new Matrices(0, 1, 2, 3)), 0.95));
            op.setRate(1);
            op.update();
            assertArrayEquals(values, parameters.read());
        }
    }

    /** The training stops with a message where a parameter is not finite. */
    @Test
    void whatIsNotFiniteShows() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            try (TestBackend backend = TestBackend.fp32(device)) {
                Tensor parameters = backend.tensor(new float[6]);
                MuonOp op = backend.own(backend.get().muon(parameters, backend.tensor(new float[] {1, 2, bad, 4, 5, 6}),
                        List.of(new Matrices(0, 1, 2, 3)), 0.95));
                op.setRate(1);
                op.update();
                float[] p = parameters.read();
                assertTrue(Float.isNaN(p[0]) && Float.isNaN(p[5]));
            }
        }
    }
}
