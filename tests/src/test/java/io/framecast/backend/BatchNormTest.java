package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenBatchNorm;
import io.framecast.tools.check.stage.EchoGroup;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation against its definition in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class BatchNormTest {

    private static final DataParallel OVER_PROCESSES = new DataParallel(new EchoGroup(), false);
    private static final int FRAMES = 5;
    private static final int PIXELS = 48;
    private static final int SIZE = FRAMES * PIXELS * PIXELS;
    private static final int CHANNELS = 5;

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("batch_norm").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainingNormalisesByTheBatchAndItsGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenBatchNorm.compareTraining(backend, c));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void inferenceNormalisesByTheMovingAveragesAndLeavesThem(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenBatchNorm.compareInference(backend, c));
        }
    }

    /** One process has the same values, so that the statistics stay the same, and one has padding. */
    @ParameterizedTest
    @MethodSource("cases")
    void statisticsOverProcessesAreThoseOfAllTheirValues(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device, OVER_PROCESSES)) {
            assertWithin(GoldenBatchNorm.compareTraining(backend, c));
        }
    }

    /** The same for so many values that they are reduced in parts. */
    @Test
    void manyValuesHaveTheSameStatisticsInOneProcessAndInSeveral() {
        List<float[]> alone;
        try (TestBackend backend = TestBackend.fp32(device, DataParallel.NONE)) {
            alone = normalise(backend);
        }
        try (TestBackend backend = TestBackend.fp32(device, OVER_PROCESSES)) {
            List<float[]> together = normalise(backend);
            for (int k = 0; k < alone.size(); k++) {
                // Values of some units: sums of parts differ by some roundings of float32, 2^-24.
                assertArrayEquals(alone.get(k), together.get(k), 1e-5f);
            }
        }
    }

    /** The output, and the input's gradient. */
    private static List<float[]> normalise(TestBackend backend) {
        Random random = new Random(4);
        float[] x = new float[SIZE * CHANNELS];
        float[] dy = new float[SIZE * CHANNELS];
        for (int k = 0; k < x.length; k++) {
            x[k] = 3 + random.nextFloat();
            dy[k] = random.nextFloat() - 0.5f;
        }
        float[] ones = {1, 1, 1, 1, 1};
        Op op = backend.own(backend.get().batchNorm(new BatchNormSpec(PIXELS, PIXELS, CHANNELS, 1e-3, 0.99),
                new Plan(FRAMES, 1, true, true), new Weights(backend.tensor(ones), backend.tensor(new float[CHANNELS])),
                new Weights(backend.tensor(new float[CHANNELS]), backend.tensor(new float[CHANNELS])),
                backend.tensor(new float[CHANNELS]), backend.tensor(ones)));
        float[] y = op.forward(backend.tensor(x), FRAMES, 1, true).read();
        return List.of(y, op.backward(backend.tensor(dy)).read());
    }
}
