package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;


import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenConv3d;
import io.framecast.tools.check.golden.Tolerance;
import java.util.List;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The convolution over time, height and width against PyTorch's in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class Conv3dTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return Golden.load("conv3d").cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void outputsAndAllGradientsAgree(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenConv3d.compare(backend, c, 0, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlanForMoreFramesAndVideosServesFewer(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenConv3d.compare(backend, c, 2, Tolerance.FP32));
        }
    }
}
