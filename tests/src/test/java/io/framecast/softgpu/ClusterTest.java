package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.JCudaDriver.cuLaunchCooperativeKernel;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import jcuda.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clusters of blocks: their registers, their barrier, and shared memory of other blocks. */
class ClusterTest {

    private static final int INVALID_CLUSTER_SIZE = 912;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private static final String CLUSTERS = """
            #define SPECIAL(name) ([] { unsigned x; asm volatile("mov.u32 %0, %" name ";" : "=r"(x)); return x; }())
            __device__ void arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
            __device__ void wait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
            __device__ void sync() { arrive(); wait(); }
            template <class T> __device__ T *of_block(T *own, unsigned rank) {
                T *other;
                asm volatile("mapa.u64 %0, %1, %2;" : "=l"(other) : "l"(own), "r"(rank));
                return other;
            }
            __device__ unsigned shared_address(const void *x) { return (unsigned) __cvta_generic_to_shared(x); }
            __device__ unsigned map_shared(const void *own, unsigned rank) {
                unsigned other;
                asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                    : "=r"(other) : "r"(shared_address(own)), "r"(rank));
                return other;
            }
            """;

    private Kernel kernel(String source) {
        return device.kernel(CLUSTERS + source);
    }

    @ParameterizedTest
    @CsvSource({"2, 2, 1", "1, 1, 3", "4, 2, 1", "1, 1, 1"})
    void everyBlockKnowsItsPlace(int x, int y, int z) {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(%d, %d, %d) __global__ void places(unsigned *out) {
                    out += 16 * (blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
                    out[0] = SPECIAL("%%cluster_ctaid.x"), out[1] = SPECIAL("%%cluster_ctaid.y");
                    out[2] = SPECIAL("%%cluster_ctaid.z"), out[3] = SPECIAL("%%clusterid.x");
                    out[4] = SPECIAL("%%clusterid.y"), out[5] = SPECIAL("%%clusterid.z");
                    out[6] = SPECIAL("%%nclusterid.x"), out[7] = SPECIAL("%%nclusterid.y");
                    out[8] = SPECIAL("%%nclusterid.z"), out[9] = SPECIAL("%%cluster_nctaid.x");
                    out[10] = SPECIAL("%%cluster_nctaid.y"), out[11] = SPECIAL("%%cluster_nctaid.z");
                    out[12] = SPECIAL("%%cluster_ctarank"), out[13] = SPECIAL("%%cluster_nctarank");
                    asm volatile("{ .reg .pred p; mov.pred p, %%is_explicit_cluster; selp.u32 %%0, 1, 0, p; }"
                        : "=r"(out[14]));
                    out[15] = 0;
                }
                """.formatted(x, y, z).replace("%%c", "%c").replace("%%n", "%n").replace("%%i", "%i")
                .replace("%%0", "%0"));
        int gridX = 4, gridY = 2, gridZ = 3;
        Buffer out = device.allocate(4 * 16 * gridX * gridY * gridZ);
        kernel.launch(Kernel.Dim.of(gridX, gridY, gridZ), Kernel.Dim.of(1), out);
        int[] expected = new int[16 * gridX * gridY * gridZ];
        for (int block = 0; block < gridX * gridY * gridZ; block++) {
            int bx = block % gridX, by = block / gridX % gridY, bz = block / gridX / gridY;
            int[] of = {bx % x, by % y, bz % z, bx / x, by / y, bz / z, gridX / x, gridY / y, gridZ / z, x, y, z,
                bx % x + x * (by % y + y * (bz % z)), x * y * z, 1, 0};
            System.arraycopy(of, 0, expected, 16 * block, 16);
        }
        assertArrayEquals(expected, out.ints());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void blocksReadEachOthersSharedMemory(int size) {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(SIZE) __global__ void rotate(int *out) {
                    __shared__ int pad[5], box[64];
                    unsigned rank = SPECIAL("%cluster_ctarank"), next = (rank + 1) % SIZE, from;
                    box[threadIdx.x] = 1000 * blockIdx.x + threadIdx.x;
                    pad[threadIdx.x % 5] = 0;
                    sync();
                    const int *other = of_block(box, next);
                    int value;
                    asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(value)
                        : "r"(map_shared(box + 63 - threadIdx.x, next)) : "memory");
                    asm volatile("getctarank.u64 %0, %1;" : "=r"(from) : "l"(other));
                    out[64 * blockIdx.x + threadIdx.x] = other[threadIdx.x] + 100000 * (value % 1000) + 10000000 * from;
                    sync();
                }
                """.replace("SIZE", "" + size));
        Buffer out = device.allocate(4 * 64 * 16);
        kernel.launch(16, 64, out);
        int[] values = out.ints();
        for (int i = 0; i < values.length; i++) {
            int block = i / 64, thread = i % 64, rank = block % size, next = block - rank + (rank + 1) % size;
            assertEquals(1000 * next + thread + 100000 * (63 - thread) + 10000000 * (next % size), values[i]);
        }
    }

    /** Counts in the shared memory of all blocks of a cluster, each of which has a part of the bins. */
    @Test
    void countsInDistributedSharedMemory() {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(4) __global__ void histogram(const int *numbers, int n, int *bins) {
                    __shared__ int part[8];
                    unsigned rank = SPECIAL("%cluster_ctarank");
                    if (threadIdx.x < 8) part[threadIdx.x] = 0;
                    sync();
                    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
                        if (i % 2) atomicAdd(of_block(part, numbers[i] / 8) + numbers[i] % 8, 1);
                        else asm volatile("red.shared::cluster.add.u32 [%0], 1;"
                            :: "r"(map_shared(part + numbers[i] % 8, numbers[i] / 8)) : "memory");
                    sync();
                    if (threadIdx.x < 8) atomicAdd(bins + rank * 8 + threadIdx.x, part[threadIdx.x]);
                }
                """);
        int[] numbers = new Random(3).ints(5000, 0, 32).toArray(), expected = new int[32];
        for (int number : numbers) {
            expected[number]++;
        }
        Buffer bins = device.buffer(new int[32]);
        kernel.launch(8, 96, device.buffer(numbers), numbers.length, bins);
        assertArrayEquals(expected, bins.ints());
    }

    /** A block stores to another's shared memory and arrives at its mbarrier; global memory is ordered, too. */
    @Test
    void arrivesAtAnMbarrierOfAnotherBlock() {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(2) __global__ void send(int *global, int *out) {
                    __shared__ int box[32];
                    __shared__ unsigned long long barrier;
                    unsigned rank = SPECIAL("%cluster_ctarank");
                    if (threadIdx.x == 0)
                        asm volatile("mbarrier.init.shared.b64 [%0], 32;" :: "r"(shared_address(&barrier)) : "memory");
                    sync();
                    if (rank == 1) {
                        global[threadIdx.x] = 7 * threadIdx.x;
                        of_block(box, 0)[threadIdx.x] = 3 * threadIdx.x;
                        asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];"
                            :: "r"(map_shared(&barrier, 0)) : "memory");
                    } else {
                        int done = 0;
                        while (!done)
                            asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, "
                                "[%1], 0; selp.s32 %0, 1, 0, p; }"
                                : "=r"(done) : "r"(shared_address(&barrier)) : "memory");
                        out[threadIdx.x] = box[31 - threadIdx.x] + 1000 * global[threadIdx.x];
                    }
                    sync();
                }
                """);
        Buffer out = device.allocate(128);
        kernel.launch(2, 32, device.allocate(128), out);
        int[] values = out.ints();
        for (int i = 0; i < 32; i++) {
            assertEquals(3 * (31 - i) + 7000 * i, values[i]);
        }
    }

    /** Each block sends to the next: vectors, and numbers that it adds up; the receiver waits for their bytes. */
    @Test
    void storesAndAddsWithCountedBytes() {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(4) __global__ void send(int *out) {
                    __shared__ __align__(16) int4 box[32];
                    __shared__ int sum, most;
                    __shared__ unsigned long long barrier, total;
                    unsigned rank = SPECIAL("%cluster_ctarank"), next = (rank + 1) % 4, t = threadIdx.x;
                    if (t == 0) {
                        sum = 0, most = -5, total = 1ull << 40;
                        asm volatile("mbarrier.init.shared.b64 [%0], 1;" :: "r"(shared_address(&barrier)) : "memory");
                        asm volatile("{ .reg .b64 s; mbarrier.arrive.expect_tx.shared.b64 s, [%0], %1; }"
                            :: "r"(shared_address(&barrier)), "r"(32 * (16 + 4 + 4 + 8)) : "memory");
                    }
                    sync();
                    unsigned to = map_shared(&barrier, next);
                    int value = 100 * rank + t;
                    #define BYTES ".shared::cluster.mbarrier::complete_tx::bytes"
                    asm volatile("st.async.weak" BYTES ".v4.s32 [%0], {%1, %2, %1, %2}, [%3];"
                        :: "r"(map_shared(box + t, next)), "r"(value), "r"(-value), "r"(to) : "memory");
                    asm volatile("red.async.relaxed.cluster" BYTES ".add.s32 [%0], %1, [%2];"
                        :: "r"(map_shared(&sum, next)), "r"(value), "r"(to) : "memory");
                    asm volatile("red.async.relaxed.cluster" BYTES ".max.s32 [%0], %1, [%2];"
                        :: "r"(map_shared(&most, next)), "r"(value - 50), "r"(to) : "memory");
                    asm volatile("red.async.relaxed.cluster" BYTES ".add.u64 [%0], %1, [%2];"
                        :: "r"(map_shared(&total, next)), "l"((unsigned long long) value << 8), "r"(to) : "memory");
                    int done = 0;
                    while (!done)
                        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], 0;"
                            "selp.s32 %0, 1, 0, p; }" : "=r"(done) : "r"(shared_address(&barrier)) : "memory");
                    out += 8 * (32 * blockIdx.x + t);
                    out[0] = box[t].x, out[1] = box[t].y, out[2] = box[t].z, out[3] = box[t].w;
                    out[4] = sum, out[5] = most, out[6] = (int) (total >> 8), out[7] = (int) (total >> 40);
                    sync();
                }
                """);
        Buffer out = device.allocate(4 * 8 * 32 * 8);
        kernel.launch(8, 32, out);
        int[] values = out.ints();
        for (int i = 0; i < 8 * 32; i++) {
            int block = i / 32, from = (block % 4 + 3) % 4, value = 100 * from + i % 32;
            int sum = 3200 * from + 31 * 16;
            assertArrayEquals(new int[] {value, -value, value, -value, sum, Math.max(100 * from + 31 - 50, -5), sum, 1},
                    Arrays.copyOfRange(values, 8 * i, 8 * i + 8), "thread " + i);
        }
    }

    /** With a relaxed arrival the barrier orders nothing: neither threads of a block nor blocks. */
    @Test
    void theBarrierOrdersMemory() {
        String source = """
                extern "C" __cluster_dims__(2) __global__ void order(int *global, int *out) {
                    __shared__ int box[64];
                    box[threadIdx.x] = threadIdx.x;
                    if (blockIdx.x == 0) global[threadIdx.x] = 5;
                    arrive();
                    wait();
                    out[64 * blockIdx.x + threadIdx.x] = WHAT;
                    sync();
                }
                """;
        for (String what : new String[] {"box[63 - threadIdx.x]", "blockIdx.x ? global[threadIdx.x] : 0"}) {
            String code = CLUSTERS + source.replace("WHAT", what);
            device.kernel(code).launch(2, 64, device.allocate(256), device.allocate(512));
            String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> device.kernel(code.replace(
                    "arrive.release", "arrive.relaxed")).launch(2, 64, device.allocate(256), device.allocate(512)));
            assertTrue(report.contains(what.startsWith("box") ? "check shared_race" : "check block_race"), report);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "if (blockIdx.x == 1) out[0] = of_block(box, 0)[3]; | 700 | which has ended: its memory is gone",
        "out[0] = of_block(box, 2)[0]; | 700 | no block of rank 2 in a cluster of 2",
        "sync(); out[0] = of_block(box, blockIdx.x ^ 1)[128]; sync(); | 700 | of block (0,0,0), which has 512 bytes",
        "sync(); out[0] = of_block(box, blockIdx.x ^ 1)[99]; sync(); | 719 | of block (0,0,0): nothing has written it",
        "wait(); | 719 | barrier.cluster.wait without barrier.cluster.arrive",
        "arrive(); arrive(); wait(); | 719 | arrive again, without barrier.cluster.wait",
        "if (MISSES) asm volatile(\"bar.sync 1, 64;\"); sync(); | 719 | thread (32,0,0) of block (1,0,0) does not come",
        "if (threadIdx.x % 32 < 5) sync(); else sync(); | 702 | of their warp, which never come"})
    void misuseIsReported(String body, int error, String words) {
        String report = device.expectFault(error, () -> kernel("""
                extern "C" __cluster_dims__(2) __global__ void misuse(int *out) {
                    __shared__ int box[128];
                    box[threadIdx.x] = 1;
                    BODY
                }
                """.replace("BODY", body).replace("MISSES", "blockIdx.x == 1 && threadIdx.x > 31")).launch(2, 64,
                device.buffer(0)));
        assertTrue(report.contains(words), report);
    }

    @Test
    void sizesThatDoNotFitAreRefused() {
        String source = "extern \"C\" __cluster_dims__(%d) __global__ void empty() {}";
        device.kernel(source.formatted(8)).launch(16, 32);
        for (int[] wrong : new int[][] {{16, 16}, {3, 4}}) {
            SoftDevice.CudaError error = assertThrows(SoftDevice.CudaError.class,
                    () -> device.kernel(source.formatted(wrong[0])).launch(wrong[1], 32));
            assertEquals(INVALID_CLUSTER_SIZE, error.result);
        }
    }

    /** All blocks of a cooperative grid wait for each other, those of a cluster at its barrier. */
    @Test
    void aCooperativeGridMayHaveClusters() {
        Kernel kernel = kernel("""
                extern "C" __cluster_dims__(2) __global__ void together(int *arrived, int *out) {
                    __shared__ int box;
                    if (threadIdx.x == 0) {
                        box = blockIdx.x;
                        atomicAdd(arrived, 1);
                        while (atomicAdd(arrived, 0) < gridDim.x) {}
                    }
                    sync();
                    if (threadIdx.x == 0) out[blockIdx.x] = *of_block(&box, 1 - SPECIAL("%cluster_ctarank"));
                    sync();
                }
                """);
        Buffer arrived = device.buffer(0), out = device.allocate(4 * 6);
        SoftDevice.check(cuLaunchCooperativeKernel(kernel.function(), 6, 1, 1, 64, 1, 1, 0, null,
                Pointer.to(Pointer.to(arrived.pointer()), Pointer.to(out.pointer()))));
        SoftDevice.synchronize();
        assertArrayEquals(new int[] {1, 0, 3, 2, 5, 4}, out.ints());
    }

    /** Without clusters, each block is one of its own. */
    @Test
    void aBlockIsAClusterOfOne() {
        Kernel kernel = kernel("""
                extern "C" __global__ void alone(int *out) {
                    __shared__ int box[64];
                    box[threadIdx.x] = threadIdx.x;
                    sync();
                    int explicitly;
                    asm volatile("{ .reg .pred p; mov.pred p, %is_explicit_cluster; selp.s32 %0, 1, 0, p; }"
                        : "=r"(explicitly));
                    out[64 * blockIdx.x + threadIdx.x] = of_block(box, 0)[63 - threadIdx.x]
                        + 100 * SPECIAL("%cluster_nctarank") + 1000 * SPECIAL("%clusterid.x") + 100000 * explicitly;
                }
                """);
        Buffer out = device.allocate(4 * 128);
        kernel.launch(2, 64, out);
        for (int i = 0; i < 128; i++) {
            assertEquals(63 - i % 64 + 100 + 1000 * (i / 64), out.ints()[i]);
        }
    }
}
