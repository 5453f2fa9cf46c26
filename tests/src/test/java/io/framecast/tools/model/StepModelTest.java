package io.framecast.tools.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.backend.TestDevice;
import io.framecast.device.sampling.CountedLaunches;
import io.framecast.device.sampling.SampledGpu;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.softgpu.SoftGpu;
import io.framecast.tools.bench.SampledStep;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StepModelTest {

    @Test
    void aStepIsTheSumOfItsLaunches() {
        // Ten blocks for each multiprocessor, with 6000 and 12000 multiply-adds of warps: 3000 and 6000 cycles.
        CountedLaunches shorter = new Counted(1080, 256).warps("float32", 1080 * 6000).launches(1).get();
        CountedLaunches longer = new Counted(1080, 256).warps("float32", 3 * 1080 * 12000L).launches(3).get();
        StepModel step = StepModel.of("name", GpuRates.A100, Precision.FP32, 5, 19, 1e9, List.of(shorter, longer));
        double first = 2e-6 + 10 * 3000 / 1.41e9;
        double second = 3 * (2e-6 + 10 * 6000 / 1.41e9);
        assertEquals(first + second, step.seconds(), 1e-12);
        assertEquals(List.of(3L, 1L), step.kernels().stream().map(kernel -> kernel.launches().launches()).toList());
        assertEquals(4, step.launches());
        assertEquals(1e9 / (108 * 128 * 1.41e9), step.limitSeconds(), 1e-12);
        assertEquals(step.limitSeconds() / (first + second), step.shareOfLimit(), 1e-12);
        assertEquals(180 * (first + second), step.epochSeconds(), 1e-9);
    }

    @Test
    void everyLineSaysThatItIsModelled() {
        StepModel step = StepModel.of("name", GpuRates.H100, Precision.BF16, 5, 19, 1e9,
                List.of(new Counted(320, 256).warps("float32", 32_000_000_000L).tensor("bf16", 1000).get(),
                        new Counted(1, 32).warps("integer", 1).get()));
        List<String> lines = ModelText.of(step).lines().toList();
        assertTrue(lines.size() > 6, lines::toString);
        for (String line : lines) {
            assertTrue(line.startsWith("modelled  "), line);
        }
        assertTrue(lines.get(lines.size() - 3).contains("1 further"), lines::toString);
    }

    /** The engine chooses its tiles by the multiprocessors that the device claims. */
    @ParameterizedTest
    @EnumSource
    void theDeviceClaimsToBeTheGpu(GpuRates rates) {
        Assumptions.assumeTrue(TestDevice.SOFTWARE);
        String before = SoftGpu.options();
        try (SampledGpu gpu = open(rates)) {
            String said = gpu.backend().description();
            assertTrue(said.contains("compute capability %d.%d, %d multiprocessors, %d GiB".formatted(
                    rates.computeCapability() / 10, rates.computeCapability() % 10, rates.multiprocessors(),
                    rates.memoryBytes() >> 30)), said);
        }
        assertEquals(before, SoftGpu.options());
    }

    private static SampledGpu open(GpuRates rates) {
        return SampledGpu.open(rates.computeCapability(), rates.memoryBytes(), Precision.FP32, 0, FetchListener.NONE);
    }

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 24, "width": 32, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 8, "kernel_size": 5, "padding": "same", "activation": "relu"},
              {"type": "BatchNormalization"},
              {"type": "ConvLSTM2D", "filters": 8, "kernel_size": 1, "padding": "same", "activation": "relu"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
            """, "a test");

    /**
     * A step of which some blocks run is counted like one of which all run. Its launches have up to 300 blocks. They
     * differ where a convolution meets the edge of an image, and most at the level 2 cache, because padding is not
     * loaded: 3 % here. Not compared is the kernel that joins the partial statistics of blocks, in one block: it does
     * nothing for partial results that nothing wrote.
     */
    @Test
    void someBlocksCountLikeAll() {
        Assumptions.assumeTrue(TestDevice.SOFTWARE);
        SampledStep sampled;
        SampledStep full;
        try (SampledGpu gpu = open(GpuRates.A100)) {
            sampled = SampledStep.count(gpu, MODEL, 4, 6);
            SoftGpu.sample(0, 1);
            full = SampledStep.count(gpu, MODEL, 4, 6);
        }
        assertEquals(full.flop(), sampled.flop());
        List<CountedLaunches> all = sorted(full);
        List<CountedLaunches> some = sorted(sampled);
        assertEquals(all.size(), some.size());
        assertTrue(all.stream().anyMatch(launches -> launches.blocks() > 100), "launches are large enough to sample");
        for (int k = 0; k < all.size(); k++) {
            CountedLaunches expected = all.get(k);
            CountedLaunches actual = some.get(k);
            assertEquals(key(expected), key(actual));
            assertEquals(expected.launches(), actual.launches());
            assertEquals(expected.registers(), actual.registers());
            if (!expected.kernel().equals("batchNormStatistics")) {
                assertClose(0.005, expected, actual, CountedLaunches::instructions);
                assertClose(0.005, expected, actual, launches -> launches.warps("float32"));
                assertClose(0.005, expected, actual, CountedLaunches::wavefronts);
                assertClose(0.03, expected, actual, CountedLaunches::sectors);
                assertClose(0.01, expected, actual, CountedLaunches::sectorsRead);
                assertClose(0, expected, actual, CountedLaunches::sectorsWritten);
            }
        }
        // A launch that does not run, because it is like one before, leaves nothing in the level 2 cache for the next.
        assertEquals(step(full).seconds(), step(sampled).seconds(), 0.006 * step(full).seconds());
    }

    private static void assertClose(double tolerance, CountedLaunches expected, CountedLaunches actual,
            ToLongFunction<CountedLaunches> count) {
        long all = count.applyAsLong(expected);
        assertEquals(all, count.applyAsLong(actual), tolerance * all + 1, // 1: counts are rounded
                () -> expected.kernel() + " " + expected.grid() + " " + expected.options());
    }

    private static StepModel step(SampledStep step) {
        return StepModel.of("test", GpuRates.A100, Precision.FP32, 6, 4, step.flop(), step.launches());
    }

    private static String key(CountedLaunches launches) {
        return launches.kernel() + launches.options() + launches.grid();
    }

    private static List<CountedLaunches> sorted(SampledStep step) {
        return step.launches().stream().sorted(Comparator.comparing(StepModelTest::key)).toList();
    }
}
