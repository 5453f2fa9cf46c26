package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_MISALIGNED_ADDRESS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** mbarrier objects, and the copies that complete on them. */
class MbarrierTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90,watchdog=1000000");

    private static final String HEAD = """
            typedef unsigned long long u64;
            __device__ unsigned shared(const void *p) { return (unsigned) __cvta_generic_to_shared(p); }
            __device__ void init(u64 *b, unsigned n) {
                asm volatile("mbarrier.init.shared.b64 [%0], %1;" :: "r"(shared(b)), "r"(n));
            }
            __device__ void inval(u64 *b) {
                asm volatile("mbarrier.inval.shared.b64 [%0];" :: "r"(shared(b)) : "memory");
            }
            __device__ u64 arrive(u64 *b) {
                u64 state;
                asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(state) : "r"(shared(b)) : "memory");
                return state;
            }
            __device__ u64 arriveExpecting(u64 *b, unsigned bytes) {
                u64 state;
                asm volatile("mbarrier.arrive.expect_tx.shared.b64 %0, [%1], %2;"
                    : "=l"(state) : "r"(shared(b)), "r"(bytes) : "memory");
                return state;
            }
            __device__ bool test(u64 *b, u64 state) {
                int done;
                asm volatile("{ .reg .pred p; mbarrier.test_wait.shared.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
                    : "=r"(done) : "r"(shared(b)), "l"(state) : "memory");
                return done;
            }
            __device__ void wait(u64 *b, unsigned parity) {
                int done;
                do {
                    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; "
                        "selp.b32 %0, 1, 0, p; }"
                        : "=r"(done) : "r"(shared(b)), "r"(parity) : "memory");
                } while (!done);
            }
            __device__ void load(void *to, const void *from, unsigned bytes, u64 *b) {
                asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                    :: "r"(shared(to)), "l"(__cvta_generic_to_global(from)), "r"(bytes), "r"(shared(b)) : "memory");
            }
            __device__ void store(void *to, const void *from, unsigned bytes) {
                asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;"
                    :: "l"(__cvta_generic_to_global(to)), "r"(shared(from)), "r"(bytes) : "memory");
                asm volatile("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;" ::: "memory");
            }
            """;

    /** Producers and consumers hand on a ring of two boxes, with barriers that say full and that say empty. */
    @Test
    void ordersProducersAndConsumers() {
        Kernel kernel = device.kernel(HEAD + """
                extern "C" __global__ void ring(int *out, int n) {
                    __shared__ u64 full[2], empty[2];
                    __shared__ int box[2][32];
                    if (threadIdx.x == 0) for (int i = 0; i < 2; i++) { init(&full[i], 32); init(&empty[i], 32); }
                    __syncthreads();
                    int lane = threadIdx.x % 32;
                    for (int i = 0; i < n; i++) {
                        int b = i % 2, round = i / 2;
                        if (threadIdx.x < 32) {
                            if (round > 0) wait(&empty[b], (round - 1) & 1);
                            box[b][lane] = i * 100 + lane;
                            arrive(&full[b]);
                        } else {
                            wait(&full[b], round & 1);
                            out[i * 32 + lane] = box[b][31 - lane];
                            arrive(&empty[b]);
                        }
                    }
                }
                """);
        Buffer out = device.allocate(7 * 32 * 4);
        kernel.launch(1, 64, out, 7);
        assertArrayEquals(IntStream.range(0, 7 * 32).map(i -> i / 32 * 100 + 31 - i % 32).toArray(), out.ints());
    }

    @Test
    void statesAndCounts() {
        Kernel kernel = device.kernel(HEAD + """
                __device__ int pending(u64 state) {
                    int n;
                    asm("mbarrier.pending_count.b64 %0, %1;" : "=r"(n) : "l"(state));
                    return n;
                }
                extern "C" __global__ void states(int *out) {
                    __shared__ u64 b;
                    init(&b, 3);
                    u64 first = arrive(&b), state;
                    out[0] = pending(first);
                    out[1] = test(&b, first);
                    asm volatile("mbarrier.arrive.noComplete.shared.b64 %0, [%1], 1;" : "=l"(state) : "r"(shared(&b)));
                    out[2] = pending(state);
                    asm volatile("mbarrier.arrive_drop.shared.b64 %0, [%1];" : "=l"(state) : "r"(shared(&b)));
                    out[3] = test(&b, first);
                    // One thread has dropped out: two arrivals end the next phase.
                    u64 second = arrive(&b);
                    out[4] = pending(second);
                    arrive(&b);
                    out[5] = test(&b, second);
                    asm volatile("mbarrier.expect_tx.relaxed.cta.shared.b64 [%0], 32;" :: "r"(shared(&b)));
                    u64 third = arrive(&b);
                    arrive(&b);
                    out[6] = test(&b, third);
                    asm volatile("mbarrier.complete_tx.relaxed.cta.shared.b64 [%0], 32;" :: "r"(shared(&b)));
                    out[7] = test(&b, third);
                    inval(&b);
                    b = 5;
                    out[8] = b;
                }
                """);
        Buffer out = device.allocate(9 * 4);
        kernel.launch(1, 1, out);
        assertArrayEquals(new int[] {3, 0, 2, 1, 2, 1, 0, 1, 5}, out.ints());
    }

    private static final String BULK = HEAD + """
            extern "C" __global__ void bulk(int *to, const int *from, int bug) {
                __shared__ u64 b;
                __shared__ __align__(16) int box[256];
                if (threadIdx.x == 0) {
                    init(&b, 1);
                    arriveExpecting(&b, 1024);
                    load(box, from, 512, &b);
                    load(box + 128, from + 128, bug == 2 ? 500 : 512, &b);
                }
                __syncthreads();
                if (bug != 1) wait(&b, 0);
                int x = box[255 - threadIdx.x];
                __syncthreads();
                box[threadIdx.x] = x;
                __syncthreads();
                if (threadIdx.x == 0) store(to, box, 1024);
            }
            """;

    @Test
    void copiesInBulk() {
        Buffer from = device.buffer(IntStream.range(0, 256).map(i -> i * 3).toArray()), to = device.allocate(1024);
        device.kernel(BULK).launch(1, 256, to, from, 0);
        assertArrayEquals(IntStream.range(0, 256).map(i -> (255 - i) * 3).toArray(), to.ints());
    }

    @Test
    void reportsUseOfABulkCopyWithoutWaiting() {
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED,
                () -> device.kernel(BULK).launch(1, 256, device.allocate(1024), device.buffer(new int[256]), 1));
        assertTrue(report.contains("shared_race") && report.contains("under way"), report);
        report = device.expectFault(CUDA_ERROR_MISALIGNED_ADDRESS,
                () -> device.kernel(BULK).launch(1, 256, device.allocate(1024), device.buffer(new int[256]), 2));
        assertTrue(report.contains("multiple of 16, not 500"), report);
    }

    /** Copies by cp.async arrive at the barrier when they are complete. */
    @Test
    void asynchronousCopiesArrive() {
        Kernel kernel = device.kernel(HEAD + """
                extern "C" __global__ void async(int *out, const int *in) {
                    __shared__ u64 b;
                    __shared__ int box[64];
                    if (threadIdx.x == 0) init(&b, 64);
                    __syncthreads();
                    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(shared(box + threadIdx.x)),
                            "l"(in + threadIdx.x));
                    asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" :: "r"(shared(&b)) : "memory");
                    wait(&b, 0);
                    out[threadIdx.x] = box[63 - threadIdx.x];
                }
                """);
        Buffer out = device.allocate(256);
        kernel.launch(1, 64, out, device.buffer(IntStream.range(0, 64).toArray()));
        assertArrayEquals(IntStream.range(0, 64).map(i -> 63 - i).toArray(), out.ints());
    }

    @Test
    void reportsMisuse() {
        Map<String, String> bugs = Map.of(
                "arrive(&b);", "none was initialised there",
                "init(&b, 1); init(&b, 1);", "is initialised again",
                "init(&b, 0);", "expects 1 to 1048575 arrivals, not 0",
                "init(&b, 1); inval(&b); arrive(&b);", "none was initialised there",
                "init(&b, 1); asm volatile(\"mbarrier.arrive.shared.b64 _, [%0], 2;\" :: \"r\"(shared(&b)));",
                        "gets 2 arrivals, and expects 1",
                "init(&b, 1); "
                        + "asm volatile(\"mbarrier.arrive.noComplete.shared.b64 _, [%0], 1;\" :: \"r\"(shared(&b)));",
                ".noComplete",
                "init(&b, 1); out[0] = (int) *(volatile u64 *) &b;", "is read or written as memory");
        bugs.forEach((bug, words) -> {
            String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> device.kernel(HEAD
                    + "extern \"C\" __global__ void misuse(int *out) { __shared__ u64 b; " + bug + " }")
                    .launch(1, 1, device.buffer(new int[1])));
            assertTrue(report.contains(words), () -> bug + ": " + report);
        });
        assertEquals("", SoftGpu.report());
    }
}
