package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.TestDevice;
import io.framecast.softgpu.SoftGpu;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which precisions a GPU of compute capability 7.5 has. */
class BeforeTensorCoresTest {

    @BeforeEach
    void configure() {
        assumeTrue(TestDevice.SOFTWARE);
        SoftGpu.load();
        SoftGpu.configure("checks=all,compute=75");
    }

    @AfterEach
    void reset() {
        SoftGpu.configure("checks=all,compute=80");
        assertEquals("", SoftGpu.report());
        assertEquals("", SoftGpu.liveAllocations());
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void saysWhatToUseInstead(Precision precision) {
        for (Convolutions convolutions : Convolutions.values()) {
            FramecastException e = assertThrows(FramecastException.class,
                    () -> new CudaBackend(true, precision, convolutions, true));
            assertEquals("GPUs multiply in " + precision.name().toLowerCase(Locale.ROOT) + " from compute capability "
                    + "8.0 on, and this one has 7.5; use fp32.", e.getMessage());
            assertEquals(List.of(Remedy.DEFAULT_PRECISION), e.remedies());
        }
    }
}
