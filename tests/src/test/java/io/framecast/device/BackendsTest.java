package io.framecast.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BackendsTest {

    @Test
    void theCpuOpensAtEachOfItsPrecisions() {
        for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
            try (Backend backend = Backends.open(Device.CPU, precision)) {
                assertEquals(precision, backend.precision());
                assertTrue(backend.description().startsWith("CPU"), backend.description());
            }
        }
        try (Backend backend = Backends.choose(DeviceSettings.DEFAULT.with(Device.CPU).withThreads(3),
                DataParallel.NONE, FetchListener.NONE).backend()) {
            assertEquals(OptionalInt.of(3), backend.threads());
        }
    }

    @Test
    void autoTakesCudaWhereItWorksElseTheCpuAndSaysWhy() {
        Availability.all(); // Loads the software device, beside which there is no other in a process.
        Map<String, Availability> parts = Availability.all().stream()
                .collect(Collectors.toMap(Availability::name, Function.identity()));
        Backends.Choice choice = Backends.choose(DeviceSettings.DEFAULT, DataParallel.NONE, FetchListener.NONE);
        try (Backend backend = choice.backend(); Backend auto = Backends.auto()) {
            assertEquals(backend.description(), auto.description());
            assertEquals(choice.whyNotCuda().isPresent(), backend.description().startsWith("CPU"));
            if (!parts.get("cuda").isUsable()) {
                assertEquals(parts.get("cuda").whyNot().orElseThrow().getMessage(),
                        choice.whyNotCuda().orElseThrow().getMessage());
            }
        }
    }

    @Test
    void everyPartIsUsableOrSaysWhyNot() {
        List<Availability> parts = Availability.all();
        assertEquals(List.of("cpu", "cuda", "nvrtc", "cudnn", "cublas", "softgpu"),
                parts.stream().map(Availability::name).toList());
        for (Availability part : parts) {
            assertEquals(part.isUsable(), part.description() != null, part.toString());
            assertEquals(part.isUsable(), part.whyNot().isEmpty(), part.toString());
        }
        assertTrue(parts.get(0).isUsable());
    }

    @Test
    void vendorConvolutionsAreNotForTheCpu() {
        FramecastException e = assertThrows(FramecastException.class,
                () -> Backends.choose(DeviceSettings.DEFAULT.with(Device.CPU).with(Convolutions.VENDOR),
                        DataParallel.NONE, FetchListener.NONE));
        assertEquals(List.of(Remedy.KERNEL_CONVOLUTIONS), e.remedies());
    }

    @Test
    void threadsOutOfRangeAreRefused() {
        for (int threads : new int[] {-1, DeviceSettings.MAX_THREADS + 1}) {
            assertThrows(IllegalArgumentException.class, () -> DeviceSettings.DEFAULT.withThreads(threads));
        }
    }
}
