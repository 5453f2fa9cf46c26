package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;

import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenBatchNorm;
import java.util.List;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation against its definition in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class BatchNormTest {

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
}
