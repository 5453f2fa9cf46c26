package io.framecast.nn;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenLayers;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The layers of Keras's next-frame models, from model JSON, against PyTorch in float64: outputs and all gradients. The
 * tolerances are those of float32, as everywhere.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class KerasLayersTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return GoldenLayers.cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAndAllGradientsAgree(Golden.Case c) {
        compare(c, 0, true);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlanForMoreFramesAndVideosServesFewer(Golden.Case c) {
        compare(c, 1, true);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void inferenceAndTheGradientsOfParametersAloneAgree(Golden.Case c) {
        compare(c, 0, false);
    }

    private void compare(Golden.Case c, int extra, boolean inputGradient) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenLayers.compare(backend, c, extra, inputGradient));
        }
    }

    /**
     * Far from 0 nothing overflows that should not, and NaN stays, so that a training that diverged is noticed. Each
     * value is at each place of a vector; and once more where arrays are not aligned to vectors.
     */
    @ParameterizedTest
    @EnumSource(Elementwise.class)
    void functionsOfLargeValuesAndNan(Elementwise function) {
        float[] values = {-90, 80, 0, Float.NaN, -1};
        double[] expected = switch (function) {
            case LINEAR -> new double[] {-90, 80, 0};
            case RELU -> new double[] {0, 80, 0};
            case RELU6 -> new double[] {0, 6, 0};
            case ELU -> new double[] {-1, 80, 0};
            case SELU -> new double[] {-1.0507009873554805 * 1.6732632423543772, 1.0507009873554805 * 80, 0};
            case SILU, GELU -> new double[] {0, 80, 0};
            case SOFTPLUS -> new double[] {0, 80, Math.log(2)};
            case SIGMOID, HARD_SIGMOID, HARD_SIGMOID_KERAS2 -> new double[] {0, 1, 0.5};
            case TANH -> new double[] {-1, 1, 0};
            case EXPONENTIAL -> new double[] {0, Math.exp(80), 1};
            case LEAKY_RELU -> new double[] {-45, 80, 0};
            case RESCALING -> new double[] {-44, 41, 1};
        };
        int size = 4 * values.length;
        float[] all = new float[1 + size];
        float[] ones = new float[size];
        for (int k = 0; k < size; k++) {
            all[1 + k] = values[k % values.length];
            ones[k] = 1;
        }
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().elementwise(new ElementwiseSpec(1, 1, size, function, 0.5f, 1),
                    new Plan(1, 1, true, true)));
            Tensor unaligned = backend.tensor(all).slice(1, size);
            for (Tensor x : List.of(unaligned, backend.tensor(unaligned.read()))) {
                float[] y = op.forward(x, 1, 1, true).read();
                float[] dx = op.backward(backend.tensor(ones)).read();
                for (int k = 0; k < size; k++) {
                    int which = k % values.length;
                    if (which < expected.length) {
                        assertEquals(expected[which], y[k], 1e-6 * Math.max(1, Math.abs(expected[which])), "at " + k);
                    }
                    assertEquals(Float.isNaN(values[which]), Float.isNaN(y[k]), "NaN at " + k);
                    assertTrue(Float.isNaN(values[which]) || Float.isFinite(dx[k]), "derivative at " + k);
                }
            }
        }
    }

    /** Of equal values the first gets the gradient, and a NaN is the largest. */
    @Test
    void theLargestOfEqualValuesIsTheFirst() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().pooling(new PoolingSpec(2, 4, 1, 2, 2, 2, 2, false, true),
                    new Plan(1, 1, true, true)));
            Tensor x = backend.tensor(1, 3, 5, Float.NaN, 3, 3, 7, 9);
            assertArrayEquals(new float[] {3, Float.NaN}, op.forward(x, 1, 1, true).read());
            assertArrayEquals(new float[] {0, 2, 0, 4, 0, 0, 0, 0}, op.backward(backend.tensor(2, 4)).read());
        }
    }

    /** A layer without parameters whose input needs no gradient computes none. */
    @Test
    void noGradientIsComputedWhereNoneIsNeeded() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().pooling(new PoolingSpec(2, 4, 1, 2, 2, 2, 2, false, false),
                    new Plan(1, 1, true, false)));
            op.forward(backend.noise(8), 1, 1, true);
            assertNull(op.backward(backend.tensor(2, 4)));
        }
    }
}
