package io.framecast.train;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.Loss;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.data.Videos;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenRecipe;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole runs against PyTorch in float64, with all that a run may have beside its network, loss and Adam: Muon, warm-up,
 * schedule, clipping, moving average of the weights, scheduled sampling and the frames of the loss.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class TrainingRecipeTest {

    @Parameter
    TestDevice device;

    static List<Golden.Case> cases() {
        return GoldenRecipe.cases();
    }

    private GoldenRecipe.Run run(Golden.Case c, Checkpoint from, long stopAfter) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            return GoldenRecipe.run(backend, c, from, stopAfter);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void lossesRatesAndWeightsAreThoseOfTheDefinitions(Golden.Case c) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            assertWithin(GoldenRecipe.compare(backend, c));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aRunStoppedAnywhereGoesOnBitForBit(Golden.Case c) {
        GoldenRecipe.Run whole = run(c, GoldenRecipe.start(c), 0);
        int steps = whole.losses().size();
        Checkpoint at = GoldenRecipe.start(c);
        List<Double> losses = new ArrayList<>();
        for (long stop : new long[] {1, steps / 2, steps - 1, 0}) {
            GoldenRecipe.Run part = run(c, at, stop);
            losses.addAll(part.losses());
            at = part.last();
        }
        assertEquals(whole.losses(), losses);
        assertWithin(List.of(GoldenRecipe.compareBits("the run", whole.last(), at)));
        assertTrue(steps >= 6);
    }

    @Test
    void aRunDoesNotGoOnWithAnotherOptimiser() {
        Golden.Case c = cases().stream().filter(one -> one.settings().has("optimizer")).findAny().orElseThrow();
        Checkpoint at = run(c, GoldenRecipe.start(c), 1).last();
        Videos videos = GoldenRecipe.videos(c);
        try (TestBackend backend = TestBackend.fp32(device)) {
            TrainingSettings adam = TrainingSettings.builder().ema(0.5).loss(Loss.MEAN_SQUARED_ERROR).build();
            assertEquals("The checkpoint has the state of another optimiser; begin a new run from its parameters.",
                    assertThrows(FramecastException.class, () -> new Trainer(backend.get(), at, videos, videos, adam,
                            new TrainingListener() { })).getMessage());
        }
    }
}
