package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The counters of tensor cores and of what feeds them, ldmatrix and cp.async, for kernels small enough to count by
 * hand; and the distinct sectors of launches.
 */
class TensorCounterTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    // ---- Tensor cores -------------------------------------------------------------------------------------------

    /** Of a warp: 3 bf16 operations of 16x8x16, n of tf32 of 16x8x8, and 1 of f16 of 16x8x8. */
    private static final String KINDS = """
            extern "C" __global__ void kinds(float *x, int n) {
                float d[4] = {0, 0, 0, 0};
                unsigned f = 0;
                for (int k = 0; k < 3; ++k)
                    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                                 "{%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, {%0, %1, %2, %3};"
                                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(f));
                for (int k = 0; k < n; ++k)
                    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                                 "{%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, {%0, %1, %2, %3};"
                                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(f));
                asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                             "{%0, %1, %2, %3}, {%4, %4}, {%4}, {%0, %1, %2, %3};"
                             : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(f));
                if (threadIdx.x + threadIdx.y == 0) x[blockIdx.x + gridDim.x * blockIdx.y] = d[0] + d[1] + d[2] + d[3];
            }
            """;

    private static List<String> kinds(JsonNode tensor) {
        List<String> all = new ArrayList<>();
        for (JsonNode kind : tensor) {
            all.add(kind.get("shape").asText() + " " + kind.get("type").asText() + " " + kind.get("count").asLong()
                    + " " + kind.get("flop").asLong());
        }
        return all;
    }

    @Test
    void countsTensorOperationsByKind() {
        Kernel kernel = device.kernel(KINDS);
        Buffer x = device.allocate(4 * 6);
        kernel.launch(6, 64, x, 5);
        JsonNode counted = Counts.of("kinds");
        // 12 warps. An operation multiplies and adds 16 * 8 * k times: 4096 flop where k is 16, 2048 where it is 8.
        List<String> expected = List.of("m16n8k8 tf32 60 122880", "m16n8k16 bf16 36 147456", "m16n8k8 f16 12 24576");
        assertEquals(expected, kinds(counted.get("tensor")));
        assertEquals(108, counted.at("/by_class/tensor").asLong());
        assertEquals(counted.get("warp_instructions").asLong() / 108.0,
                counted.get("warp_instructions_per_tensor").asDouble(), 1e-4);
        // A second launch of another grid is a shape of its own, and the kernel has the sum.
        kernel.launch(1, 64, x, 0);
        JsonNode shapes = Counts.of("kinds").get("shapes");
        assertEquals(expected, kinds(shapes.get(0).get("tensor")));
        assertEquals(List.of("m16n8k16 bf16 6 24576", "m16n8k8 f16 2 4096"), kinds(shapes.get(1).get("tensor")));
        assertEquals(List.of("m16n8k8 tf32 60 122880", "m16n8k16 bf16 42 172032", "m16n8k8 f16 14 28672"),
                kinds(Counts.of("kinds").get("tensor")));
    }

    @Test
    void countsLaunchesOfOneShapeTogether() {
        Kernel kernel = device.kernel(KINDS);
        Buffer x = device.allocate(4 * 6);
        kernel.launch(6, 64, x, 5);
        kernel.launch(Kernel.Dim.of(2, 3), Kernel.Dim.of(32, 2), x, 5);
        kernel.shared(256).launch(6, 64, x, 5);
        kernel.shared(0).launch(6, 64, x, 1);
        JsonNode counted = Counts.of("kinds");
        JsonNode shapes = counted.get("shapes");
        assertEquals("[[6,1,1], [2,3,1], [6,1,1]]", shapes.findValues("grid").toString());
        assertEquals("[[64,1,1], [32,2,1], [64,1,1]]", shapes.findValues("block").toString());
        assertEquals("[0, 0, 256]", shapes.findValues("dynamic_shared").toString());
        assertEquals("[2, 1, 1]", shapes.findValues("launches").toString());
        assertEquals("[2, 1, 1]", shapes.findValues("run_launches").toString());
        assertEquals("[12, 6, 6]", shapes.findValues("run_blocks").toString());
        long instructions = 0;
        for (JsonNode shape : shapes) {
            instructions += shape.get("warp_instructions").asLong();
        }
        assertEquals(counted.get("warp_instructions").asLong(), instructions);
    }

    // ---- ldmatrix and cp.async ----------------------------------------------------------------------------------

    /**
     * A matrix has 8 rows of 16 bytes, and a pass over the banks is 128 bytes. Rows one after the other, or in
     * different columns of 16 bytes (a stride of 144), take one pass; in one column (128) eight; in two (64) four.
     */
    @ParameterizedTest
    @CsvSource({
        "x1, 16, 1", "x1, 32, 2", "x1, 64, 4", "x1, 128, 8", "x1, 144, 1",
        "x2, 16, 2", "x2, 64, 8", "x2, 128, 16", "x2, 144, 2",
        "x4, 16, 4", "x4, 32, 8", "x4, 64, 16", "x4, 128, 32", "x4, 144, 4",
        "x4, 0, 4"})
    void countsThePassesOfLdmatrix(String matrices, int stride, int passes) {
        int count = matrices.charAt(1) - '0';
        String results = String.join(", ", List.of("%0", "%1", "%2", "%3").subList(0, count));
        for (String trans : new String[] {"", ".trans"}) {
            SoftGpu.resetCounters();
            device.kernel("""
                    extern "C" __global__ void rows(unsigned *out, int stride) {
                        __shared__ __align__(16) unsigned s[32 * 36];
                        int i = threadIdx.x;
                        for (int k = i; k < 32 * 36; k += 32) s[k] = 0;
                        __syncthreads();
                        unsigned r[4] = {0, 0, 0, 0}, at = (unsigned) __cvta_generic_to_shared(s) + i * stride;
                        asm volatile("ldmatrix.sync.aligned.m8n8.MATRICES.shared.b16 {RESULTS}, [%4];"
                                     : "+r"(r[0]), "+r"(r[1]), "+r"(r[2]), "+r"(r[3]) : "r"(at));
                        out[i] = r[0] + r[1] + r[2] + r[3];
                    }
                    """.replace("MATRICES", matrices + trans).replace("RESULTS", results))
                    .launch(1, 32, device.allocate(128), stride);
            JsonNode counted = Counts.of("rows");
            // The zeros are 36 stores of a word a lane, of one pass each.
            assertEquals(36 + passes, counted.at("/shared/wavefronts").asLong());
            assertEquals(passes - count, counted.at("/shared/conflicts").asLong());
            assertEquals(36 + passes, counted.at("/shapes/0/wavefronts").asLong());
            assertEquals(1, counted.at("/by_class/load_shared").asLong());
        }
    }

    /** A warp's 32 copies of 16 bytes take four passes at best, as stores of 16 bytes do, and of 4 bytes one. */
    @ParameterizedTest
    @CsvSource({"16, 16, 4, 4", "16, 32, 8, 4", "16, 128, 32, 4", "16, 144, 4, 4", "8, 8, 2, 2", "8, 16, 4, 2",
        "4, 4, 1, 1", "4, 8, 2, 1", "4, 128, 32, 1"})
    void countsThePassesOfCopiesIntoSharedMemory(int bytes, int stride, int passes, int ideal) {
        device.kernel("""
                extern "C" __global__ void stage(const char *in, int *out, int stride) {
                    extern __shared__ __align__(16) char s[];
                    int i = threadIdx.x;
                    unsigned to = (unsigned) __cvta_generic_to_shared(s + i * stride);
                    asm volatile("cp.async.HOW.shared.global [%0], [%1], BYTES;"
                                 :: "r"(to), "l"(in + i * BYTES) : "memory");
                    asm volatile("cp.async.wait_all;" ::: "memory");
                    out[i] = *(int *) (s + i * stride);
                }
                """.replace("HOW", bytes == 16 ? "cg" : "ca").replace("BYTES", Integer.toString(bytes)))
                .shared(32 * 144).launch(1, 32, device.buffer(new byte[512]), device.allocate(128), stride);
        JsonNode counted = Counts.of("stage");
        assertEquals(passes, counted.at("/async_shared/wavefronts").asLong());
        assertEquals(ideal, counted.at("/async_shared/ideal").asLong());
        assertEquals(passes - ideal, counted.at("/async_shared/conflicts").asLong());
        assertEquals(1, counted.at("/shared/requests").asLong(), "the reads of the copies are not among them");
        assertEquals(passes + counted.at("/shared/wavefronts").asLong(),
                counted.at("/shapes/0/wavefronts").asLong());
        assertEquals(bytes, counted.at("/global_loads/sectors").asLong());
    }

    // ---- Distinct sectors ---------------------------------------------------------------------------------------

    @Test
    void countsTheDistinctSectorsOfALaunch() {
        // Each of 5 blocks reads the same 512 bytes twice, writes 128 of its own, and adds to one word of a further
        // sector, which is read and written.
        Kernel kernel = device.kernel("""
                extern "C" __global__ void distinct(const int *in, int *out, int *sum) {
                    int i = threadIdx.x, all = 0;
                    for (int k = 0; k < 2; ++k)
                        for (int j = 0; j < 4; ++j) all += ((const volatile int *) in)[32 * j + i];
                    out[32 * blockIdx.x + i] = all;
                    if (i == 0) atomicAdd(sum, all);
                }
                """);
        Buffer in = device.buffer(new int[128]);
        Buffer sum = device.buffer(new int[1]);
        Buffer out = device.allocate(4 * 32 * 5);
        for (int launches = 1; launches <= 2; ++launches) {
            kernel.launch(5, 32, in, out, sum);
            JsonNode counted = Counts.of("distinct");
            assertEquals(launches * (16 + 1), counted.get("sectors_read").asLong());
            assertEquals(launches * (5 * 4 + 1), counted.get("sectors_written").asLong());
            assertEquals(launches * 5 * 2 * 16, counted.at("/global_loads/sectors").asLong());
            assertEquals(launches * 5 * (2 * 16 + 4 + 1), counted.at("/shapes/0/sectors").asLong());
        }
    }

    @Test
    void namesTheTextOfTheModule() {
        String[] fingerprints = new String[2];
        for (int k = 0; k < 2; ++k) {
            SoftGpu.resetCounters();
            device.kernel("extern \"C\" __global__ void one(int *x) { *x = %d; }".formatted(k))
                    .launch(1, 1, device.allocate(4));
            fingerprints[k] = Counts.of("one").get("fingerprint").asText();
            assertTrue(fingerprints[k].matches("[0-9a-f]{16}"), fingerprints[k]);
        }
        assertTrue(!fingerprints[0].equals(fingerprints[1]), fingerprints[0]);
    }
}
