package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenLoss;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses and their gradients against PyTorch in float64: random values, logits up to 100, probabilities 0 and 1. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class LossTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("losses").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valuesAndGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenLoss.compare(backend, c));
        }
    }

    @Test
    void gradientsFarFromTheTargetKeepTheirOwnDigits() {
        // A small gradient, sigmoid(-17) = 4.14e-8, keeps its relative precision beside larger ones.
        try (TestBackend backend = TestBackend.fp32(device)) {
            LossOp op = backend.own(backend.get().loss(Loss.BINARY_CROSSENTROPY_FROM_LOGITS, 2));
            op.forward(backend.tensor(-17, 40), backend.tensor(0, 0), 2, true);
            float[] gradient = op.gradient().read();
            assertEquals(0.5 / (1 + Math.exp(17)), gradient[0], 1e-6 * gradient[0]);
            assertEquals(0.5, gradient[1]);
        }
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void aNaNAmongTheOutputsShows(Loss loss) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            float[] outputs = new float[1000];
            outputs[700] = Float.NaN;
            LossOp op = backend.own(backend.get().loss(loss, 1000));
            op.forward(backend.tensor(outputs), backend.tensor(new float[1000]), 1000, true);
            assertFalse(Double.isFinite(op.value()));
        }
    }
}
