package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenMuon;
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

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("muon").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void stepsOfTwoKernelsAgreeForAllSizesOfGradients(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenMuon.compare(backend, c));
        }
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
