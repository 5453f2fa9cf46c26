package io.framecast.nn;

import static io.framecast.golden.Closeness.assertWithin;

import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.tools.check.golden.GoldenAdam;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Adam against PyTorch's arithmetic in float64, as Keras defines it. */
class AdamTest {

    @ParameterizedTest
    @EnumSource(TestDevice.class)
    void sixStepsAgreeForGradientsFromFarUnderEpsilonToLarge(TestDevice device) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenAdam.compare(backend));
        }
    }
}
