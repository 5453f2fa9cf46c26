package io.framecast.tools.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The arithmetic of the model, computed by hand. An A100 has 108 multiprocessors and 1.41e9 cycles a second. */
class LaunchTimeTest {

    private static final double CLOCK = 1.41e9;

    private static LaunchTime time(Counted counted) {
        return LaunchTime.of(counted.get(), GpuRates.A100);
    }

    private static void assertSeconds(double expected, LaunchTime time, Resource resource) {
        assertEquals(expected, time.seconds().get(resource), 1e-9 * expected + 1e-18, resource.label());
    }

    /** Blocks that a multiprocessor holds, those of the busiest one, and waves: of 256 threads, 2 by registers. */
    @ParameterizedTest
    @CsvSource({
        "1,    1, 0.00462963, 0.00925926",
        "8,    1, 0.03703704, 0.07407407",
        "110,  2, 0.50925926, 0.50925926",
        "220,  3, 1.01851852, 0.67901235",
        "320,  3, 1.48148148, 0.98765432",
        "1080, 10, 5,         1"})
    void theBusiestMultiprocessorSetsTheTime(int blocks, int busiest, double waves, double balance) {
        LaunchTime time = time(new Counted(blocks, 256).resources(128, 0).warps("float32", 1000L * blocks));
        assertEquals(2, time.residentBlocks());
        assertEquals(busiest, time.busiest());
        assertEquals(waves, time.waves(), 1e-8);
        assertEquals(balance, time.balance(GpuRates.A100), 1e-8);
        // 1000 warp instructions of a block, 32 lanes each, on 64 lanes.
        assertSeconds(busiest * 1000 * 32 / 64.0 / CLOCK, time, Resource.FP32);
    }

    @Test
    void eachResourceHasItsRate() {
        // Ten blocks of 4 warps for each multiprocessor.
        LaunchTime time = time(new Counted(1080, 128).warps("float32", 1080 * 600).warps("float64", 1080 * 10)
                .warps("special", 1080 * 20).warps("integer", 1080 * 70).wavefronts(1080 * 900)
                .sectors(1080 * 5000, 1080 * 1000, 1080 * 200).tensor("bf16", 1080L * 2048000)
                .tensor("tf32", 1080L * 1024000));
        assertEquals(10, time.busiest());
        assertSeconds(10 * 600 * 32 / 64.0 / CLOCK, time, Resource.FP32);
        assertSeconds(10 * 10 * 32 / 32.0 / CLOCK, time, Resource.FP64);
        assertSeconds(10 * 20 * 32 / 16.0 / CLOCK, time, Resource.SPECIAL);
        assertSeconds(10 * 700 / 4.0 / CLOCK, time, Resource.ISSUE);
        assertSeconds(10 * 900 / CLOCK, time, Resource.SHARED);
        assertSeconds(1080 * (2048000 / 312e12 + 1024000 / 156e12), time, Resource.TENSOR);
        assertSeconds(1080 * 5000 * 32.0 / 5.4e12, time, Resource.L2);
        assertSeconds(1080 * 1200 * 32.0 / 2.039e12, time, Resource.MEMORY);
        assertSeconds(2e-6, time, Resource.LAUNCH);
        // 5000 sectors of 32 bytes a block take longest: 1080 * 160000 / 5.4e12 = 32 us.
        assertEquals(Resource.L2, time.bound());
        assertEquals(2e-6 + 1080 * 160000 / 5.4e12, time.launchSeconds(), 1e-15);
    }

    /** Figures are of all launches: two of them with twice as much take as long each, and twice as long in all. */
    @Test
    void launchesShareTheirWorkEqually() {
        LaunchTime one = time(new Counted(320, 256).warps("float32", 320_000).wavefronts(640_000).sectors(999, 99, 9)
                .tensor("bf16", 123_456_789));
        LaunchTime two = time(new Counted(320, 256).warps("float32", 640_000).wavefronts(1_280_000)
                .sectors(1998, 198, 18).tensor("bf16", 246_913_578).launches(2));
        for (Resource resource : Resource.values()) {
            assertSeconds(one.seconds().get(resource), two, resource);
        }
        assertEquals(one.launchSeconds(), two.launchSeconds(), 1e-15);
        assertEquals(2 * one.launchSeconds(), two.allSeconds(), 1e-15);
        assertEquals(2 * one.allSeconds(Resource.SHARED), two.allSeconds(Resource.SHARED), 1e-15);
    }

    /** One block of two warps has two schedulers, of two blocks on one multiprocessor each has two: all four. */
    @ParameterizedTest
    @CsvSource({"1, 64, 0.5", "1, 32, 0.25", "1, 128, 1", "108, 64, 0.5", "110, 64, 1", "216, 32, 0.5", "1, 96, 0.75",
        "540, 32, 1"})
    void aMultiprocessorWithFewWarpsLeavesSchedulersIdle(int blocks, int threads, double used) {
        LaunchTime time = time(new Counted(blocks, threads).warps("float32", 100L * blocks).wavefronts(100L * blocks)
                .tensor("bf16", 4096L * blocks));
        double cycles = time.busiest() * 100 / CLOCK;
        assertSeconds(cycles * 32 / 64 / used, time, Resource.FP32);
        assertSeconds(cycles / 4 / used, time, Resource.ISSUE);
        assertSeconds(time.busiest() * 4096 / (312e12 / 108) / used, time, Resource.TENSOR);
        assertSeconds(cycles, time, Resource.SHARED);
    }

    /** Few blocks do not reach the level 2 cache's rate: 64 bytes a cycle each. */
    @Test
    void oneMultiprocessorHasAnL2PortOfItsOwn() {
        assertSeconds(1000 * 32 / 64.0 / CLOCK, time(new Counted(1, 256).sectors(1000, 1000, 0)), Resource.L2);
        assertSeconds(1080 * 1000 * 32 / 5.4e12, time(new Counted(1080, 256).sectors(1_080_000, 0, 0)),
                Resource.L2);
    }

    @Test
    void aLaunchWithHardlyAnyWorkIsBoundByItself() {
        LaunchTime time = time(new Counted(1, 32).warps("integer", 10));
        assertEquals(Resource.LAUNCH, time.bound());
        assertEquals(2e-6 + 10 / CLOCK, time.launchSeconds(), 1e-15);
    }

    @Test
    void theOtherGpusHaveTheirOwnRates() {
        Counted counted = new Counted(1320, 256).warps("float32", 1_320_000).tensor("bf16", (long) 1e12);
        LaunchTime h100 = LaunchTime.of(counted.get(), GpuRates.H100);
        assertSeconds(10 * 1000 * 32 / 128.0 / 1.98e9, h100, Resource.FP32);
        assertSeconds(1e12 / (0.62 * 990e12), h100, Resource.TENSOR);
        // The fp32 peaks that NVIDIA gives: 67, 19.5 and 82.6 TFLOP/s.
        assertEquals(67e12, GpuRates.H100.peak(Precision.FP32), 0.2e12);
        assertEquals(19.5e12, GpuRates.A100.peak(Precision.FP32), 0.02e12);
        assertEquals(82.6e12, GpuRates.RTX4090.peak(Precision.FP32), 0.05e12);
        assertEquals(165.2e12, GpuRates.RTX4090.peak(Precision.BF16));
        assertEquals(0.62 * 495e12, GpuRates.H100.peak(Precision.TF32));
    }

    @Test
    void whatHasNoTimeIsRefused() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> time(new Counted(1, 32).tensor("s8", 4096)))
                .getMessage().contains("s8"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> time(new Counted(1, 1024).resources(255, 0)))
                .getMessage().contains("does not fit"));
    }

    /** The figures of KernelResourcesTest, and the limits of blocks. */
    @ParameterizedTest
    @CsvSource({
        "A100,    256, 128, 16896, 2",
        "A100,    256, 129,     0, 1",
        "A100,    192,  81,     0, 3",
        "A100,    224, 144,     0, 1",
        "A100,    256,  32,     0, 8",
        "A100,     32,  16,     0, 32",
        "A100,    128,  32, 81920, 2",      // 81 KiB with the reserved one, of 164
        "A100,    128,  32, 83968, 1",      // 83 KiB
        "H100,    128,  32, 83968, 2",      // of 228
        "H100,     32,  16,     0, 32",
        "RTX4090, 256,  32,     0, 6",
        "RTX4090,  32,  16,     0, 24",
        "RTX4090, 128,  32, 16384, 5"})
    void countsResidentBlocks(GpuRates gpu, int threads, int registers, int shared, int blocks) {
        assertEquals(blocks, gpu.limits().residentBlocks(threads, registers, shared));
    }
}
