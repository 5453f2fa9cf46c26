package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What programs rely on: stores of the bytes that are there, whose order does not matter, and plain reads that a
 * compare-and-swap checks.
 */
class BenignRaceTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    /**
     * @param check that finds the race, if the threads store different values
     * @param body stores {@code VALUE}, a number of the thread or of the block, or one
     * @param different the values of a race
     * @param result out[0] when all store 1
     */
    private record Idiom(String name, String check, String body, String different, int result) {

        String source(String value) {
            return "extern \"C\" __global__ void idiom(int *out, int one) {\n" + body.replace("VALUE", value) + "\n}\n";
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Idiom> idioms() {
        return Stream.of(
                new Idiom("a flag set by many blocks", "block_race", "out[0] = VALUE;", "blockIdx.x", 1),
                new Idiom("a flag set by many threads", "shared_race", """
                        __shared__ int flag;
                        if (threadIdx.x == 0) flag = 0;
                        __syncthreads();
                        if (threadIdx.x % 3) flag = VALUE;
                        __syncthreads();
                        if (threadIdx.x == 0 && blockIdx.x == 0) out[0] = flag;
                        """, "threadIdx.x", 1),
                new Idiom("a byte set by the lanes of a warp", "shared_race", """
                        __shared__ char flags[4];
                        if (threadIdx.x < 32) flags[3] = VALUE;
                        __syncthreads();
                        if (threadIdx.x == 0 && blockIdx.x == 0) out[0] = flags[3];
                        """, "threadIdx.x", 1),
                new Idiom("two warps that copy the same", "shared_race", """
                        __shared__ int4 copy[32];
                        copy[threadIdx.x % 32] = make_int4(0, 1, VALUE, 3);
                        __syncthreads();
                        if (threadIdx.x == 0 && blockIdx.x == 0) out[0] = copy[31].z;
                        """, "threadIdx.x", 1),
                new Idiom("a store of what another has read", "shared_race", """
                        __shared__ int seen;
                        if (threadIdx.x == 0) seen = 1;
                        __syncthreads();
                        if (threadIdx.x >= 32) return;
                        int before = seen;
                        if (threadIdx.x == 5) seen = VALUE;
                        if (blockIdx.x == 0) out[threadIdx.x % 2] = before;
                        """, "2 * one", 1));
    }

    @ParameterizedTest
    @MethodSource("idioms")
    void acceptsStoresOfWhatIsThere(Idiom idiom) {
        Buffer out = device.buffer(new int[] {7, 0, 0, 0, 0});
        device.kernel(idiom.source("one")).launch(4, 64, out, 1);
        assertArrayEquals(new int[] {idiom.result}, new int[] {out.ints()[0]});
    }

    @ParameterizedTest
    @MethodSource("idioms")
    void reportsStoresOfSomethingElse(Idiom idiom) {
        expectRace(idiom, idiom.different);
    }

    @ParameterizedTest
    @MethodSource("idioms")
    void reportsThemIfAsked(Idiom idiom) {
        SoftGpu.configure("checks=all+benign_races");
        expectRace(idiom, "one");
    }

    /** atomicCAS(ADDRESS, ...) in a loop: its first read is of {@code *FIRST}. */
    private static final String LOOP = """
            extern "C" __global__ void add(double *sum, double *other) {
                __shared__ unsigned long long own;
                if (threadIdx.x == 0) own = 0;
                __syncthreads();
                unsigned long long *words[] = {(unsigned long long *)sum, &own};
                #pragma unroll
                for (int k = 0; k < 2; ++k) {
                    unsigned long long old = *(k ? words[1] : (unsigned long long *)FIRST), seen;
                    do {
                        seen = old;
                        old = atomicCAS(words[k], seen, __double_as_longlong(1 + __longlong_as_double(seen)));
                    } while (old != seen);
                }
                __syncthreads();
                if (threadIdx.x == 0) atomicAdd(other, __longlong_as_double(own));
            }
            """;

    /** Of blocks in global memory, and of warps in shared memory. The comparison finds out what is out of date. */
    @Test
    void acceptsAPlainFirstReadBeforeACompareAndSwap() {
        Buffer sum = device.buffer(0.0);
        Buffer other = device.buffer(0.0);
        device.kernel(LOOP.replace("FIRST", "sum"), "add").launch(4, 64, sum, other);
        assertArrayEquals(new double[] {256}, sum.doubles());
        assertArrayEquals(new double[] {256}, other.doubles());
    }

    @Test
    void reportsAPlainReadOfAnotherWord() {
        Kernel kernel = device.kernel(LOOP.replace("FIRST", "other"), "add");
        Buffer sum = device.buffer(0.0);
        Buffer other = device.buffer(0.0);
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(4, 64, sum, other));
        assertTrue(report.contains("check block_race failed"), report);
    }

    private void expectRace(Idiom idiom, String value) {
        Kernel kernel = device.kernel(idiom.source(value));
        Buffer out = device.buffer(new int[] {7, 0, 0, 0, 0});
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> kernel.launch(4, 64, out, 1));
        assertTrue(report.contains("check " + idiom.check + " failed"), report);
    }
}
