package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Counters of launches of which only some blocks run. */
class SamplingTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    @AfterEach
    void runAllBlocksAgain() {
        SoftGpu.sample(0, 1);
    }

    /**
     * Each block reads 4 KB of weights that all share, and 1 KB of its own, and writes 1 KB, through shared memory,
     * with bank conflicts. The last block may have less to do.
     */
    private static final String ALIKE = """
            extern "C" __global__ void alike(const float *weights, const float *x, float *y, int count) {
                __shared__ float s[512];
                float sum = 0;
                for (int k = threadIdx.x; k < 1024; k += 256) sum += weights[k];
                s[2 * threadIdx.x] = sum;
                __syncthreads();
                int i = blockIdx.x * 256 + threadIdx.x;
                if (i < count) y[i] = s[2 * threadIdx.x] * x[i];
            }
            """;

    private void launchAlike(Kernel kernel, int blocks, int count) {
        kernel.launch(blocks, 256, device.buffer(new float[1024]), device.buffer(new float[256 * blocks]),
                device.allocate(4L * 256 * blocks), count);
    }

    /** All counters but the time, and how much ran. */
    private static String comparable(String json) {
        return json.replaceAll("\"seconds\": [\\d.]+|\"run_(launches|blocks)\": \\d+", "");
    }

    @ParameterizedTest
    @CsvSource({"200, 51200", "200, 51000", "200, 50945", "17, 4352", "9, 2200", "8, 2048", "1, 256"})
    void blocksThatAreAlikeAreCountedExactly(int blocks, int count) {
        Kernel kernel = device.kernel(ALIKE);
        launchAlike(kernel, blocks, count);
        String full = comparable(SoftGpu.countersJson());
        for (int most : new int[] {4, 8, 14}) {
            SoftGpu.sample(most, 1);
            SoftGpu.resetCounters();
            launchAlike(kernel, blocks, count);
            JsonNode shape = Counts.of("alike").at("/shapes/0");
            assertEquals(Math.min(blocks, most), shape.get("run_blocks").asInt());
            assertEquals(full, comparable(SoftGpu.countersJson()));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void launchesThatAreAlikeRunOnlyAtFirst(int launches) {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void add(int *sum, int step, long long big) {
                    if (threadIdx.x == 0) atomicAdd(sum, step);
                }
                """);
        Buffer one = device.buffer(new int[1]);
        Buffer other = device.buffer(new int[1]);
        SoftGpu.sample(4, launches);
        for (int k = 0; k < 4; ++k) {
            kernel.launch(100, 32, one, 1, 7L);
        }
        int run = Math.min(4, launches);
        assertArrayEquals(new int[] {4 * run}, one.ints());
        JsonNode shape = Counts.of("add").at("/shapes/0");
        assertEquals(4, shape.get("launches").asInt());
        assertEquals(run, shape.get("run_launches").asInt());
        assertEquals(4 * run, shape.get("run_blocks").asInt());
        assertEquals(4 * 100, shape.at("/by_class/atomic").asInt());
        // Another buffer is the same work; another number, grid or block is not.
        for (int k = launches; k < 4; ++k) {
            kernel.launch(100, 32, other, 1, 7L);
        }
        assertArrayEquals(new int[] {0}, other.ints());
        kernel.launch(100, 32, other, 3, 7L);
        assertArrayEquals(new int[] {12}, other.ints());
        kernel.launch(100, 32, other, 1, 8L);
        assertArrayEquals(new int[] {16}, other.ints());
        kernel.launch(99, 32, other, 1, 7L);
        assertArrayEquals(new int[] {20}, other.ints());
        kernel.launch(100, 64, other, 1, 7L);
        assertArrayEquals(new int[] {24}, other.ints());
        // Nothing is known any more, and everything runs.
        SoftGpu.sample(0, 1);
        kernel.launch(100, 32, other, 1, 7L);
        assertArrayEquals(new int[] {124}, other.ints());
        SoftGpu.sample(4, launches);
        kernel.launch(100, 32, other, 1, 7L);
        assertArrayEquals(new int[] {128}, other.ints());
    }

    /** Which blocks run does not depend on the number of threads, and so neither do the counters. */
    @Test
    void theSameBlocksRunEveryTime() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void mark(int *ran) { ran[blockIdx.x] = 1; }
                """);
        int[][] ran = new int[2][];
        for (int k = 0; k < 2; ++k) {
            SoftGpu.configure("threads=" + (1 + 2 * k));
            SoftGpu.sample(8, 1);
            Buffer marks = device.buffer(new int[1000]);
            kernel.launch(1000, 32, marks);
            ran[k] = marks.ints();
        }
        assertArrayEquals(ran[0], ran[1]);
        assertEquals(8, Arrays.stream(ran[0]).sum());
        assertEquals(List.of(1, 1), List.of(ran[0][0], ran[0][999]), "the first and the last");
        for (int sixth = 0; sixth < 6; ++sixth) {
            int[] stretch = Arrays.copyOfRange(ran[0], 1 + sixth * 998 / 6, 1 + (sixth + 1) * 998 / 6);
            assertEquals(1, Arrays.stream(stretch).sum(), "one from each stretch");
        }
    }

    @Test
    void onlyReadingWhatNothingWroteIsNoErrorMeanwhile() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void copy(const int *in, int *out, int from) {
                    int i = blockIdx.x * 32 + threadIdx.x;
                    out[i] = in[i + from];
                }
                """);
        SoftGpu.sample(4, 1);
        kernel.launch(100, 32, device.allocate(4 * 3200), device.allocate(4 * 3200), 0);
        String report = device.expectFault(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
                () -> device.kernel(COPY_PAST_THE_END).launch(100, 32, device.allocate(4 * 3200),
                        device.allocate(4 * 3200)));
        assertTrue(report.contains("check bounds failed"), report);
        SoftGpu.sample(0, 1);
        report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED,
                () -> device.kernel(COPY_PAST_THE_END).launch(99, 32, device.allocate(4 * 3200),
                        device.allocate(4 * 3200)));
        assertTrue(report.contains("check initialized failed"), report);
    }

    /** The last of 100 blocks reads past the end of 3200 values. */
    private static final String COPY_PAST_THE_END = """
            extern "C" __global__ void past(const int *in, int *out) {
                int i = blockIdx.x * 32 + threadIdx.x;
                out[i] = in[i + 1];
            }
            """;

    @Test
    void optionsOfConfigureDoNotSampleAndNumbersAreChecked() {
        for (int blocks : new int[] {-1, 1, 3, 15}) {
            assertThrows(IllegalArgumentException.class, () -> SoftGpu.sample(blocks, 1));
        }
        assertThrows(IllegalArgumentException.class, () -> SoftGpu.sample(8, 0));
        assertThrows(IllegalArgumentException.class, () -> SoftGpu.configure("sample=8"));
    }

    @Test
    void optionsAreGivenAsTheyAreTaken() {
        String options = "checks=none+bounds+leaks,counters=off,coverage=off,threads=3,processors=2,compute=80,"
                + "memory=17179869184,driver=12000,watchdog=99";
        String before = SoftGpu.options();
        SoftGpu.configure(options);
        assertEquals(options, SoftGpu.options());
        SoftGpu.configure(before);
        assertEquals(before, SoftGpu.options());
    }
}
