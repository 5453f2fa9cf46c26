package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The counters, for kernels small enough to count by hand. A sector has 32 bytes; shared memory has 32 banks of 4
 * bytes, and one pass (wavefront) reads one word from each.
 */
class CounterTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private static JsonNode counters(String kernel) {
        return Counts.of(kernel);
    }

    /** The sum of the counters of one class of instructions at a marked source line. */
    private static long ofLine(JsonNode kernel, String source, String mark, String cls, String counter) {
        long sum = 0;
        boolean found = false;
        for (JsonNode line : kernel.get("lines")) {
            if (line.get("source").asText().endsWith("test.cu:" + lineOf(source, mark))
                    && line.get("class").asText().equals(cls)) {
                found = true;
                sum += line.get(counter).asLong();
            }
        }
        assertTrue(found, "no " + cls + " at " + mark + " in " + kernel.toPrettyString());
        return sum;
    }

    private static int lineOf(String source, String mark) {
        List<String> lines = source.lines().toList();
        return 1 + IntStream.range(0, lines.size()).filter(l -> lines.get(l).endsWith(mark)).findFirst().orElseThrow();
    }

    private static void assertMemory(JsonNode memory, long requests, long sectors, long bytes) {
        assertEquals(requests, memory.get("requests").asLong(), memory::toString);
        assertEquals(sectors, memory.get("sectors").asLong(), memory::toString);
        assertEquals(bytes, memory.get("bytes").asLong(), memory::toString);
        assertEquals(bytes / (32.0 * sectors), memory.get("efficiency").asDouble(), 0.0001);
    }

    // ---- Global memory ------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "int, 1, 0, 4, 128",
        "int, 2, 0, 8, 128",
        "int, 3, 0, 12, 128",
        "int, 32, 0, 32, 128",
        "int, 1, 1, 5, 128",
        "int, 1, 8, 4, 128",
        "int, -1, 31, 4, 128",
        "int, 0, 5, 1, 4",
        "float4, 1, 0, 16, 512",
        "float4, 1, 1, 17, 512",
        "float4, 2, 0, 32, 512",
        "double, 1, 0, 8, 256",
        "short, 1, 0, 2, 64",
        "unsigned char, 1, 0, 1, 32",
        "unsigned char, 1, 20, 2, 32",
        "unsigned char, 32, 0, 32, 32"})
    void countsTheSectorsOfALoadAndOfAStore(String type, int stride, int offset, long sectors, long bytes) {
        // float4 at an odd element begins in the middle of a sector: one sector more.
        String source = """
                extern "C" __global__ void move(const T *in, T *out, int loadStride, int loadFrom, int storeStride,
                                                int storeFrom) {
                    int i = threadIdx.x;
                    out[i * storeStride + storeFrom] = in[i * loadStride + loadFrom];
                }
                """.replace("T *", type + " *");
        Kernel kernel = device.kernel(source);
        Buffer in = device.buffer(new byte[32 * 1024]);
        kernel.launch(1, 32, in, device.allocate(32 * 1024), stride, offset, 1, 0);
        assertMemory(counters("move").get("global_loads"), 1, sectors, bytes);
        if (stride != 0) {
            SoftGpu.resetCounters();
            kernel.launch(1, 32, in, device.allocate(32 * 1024), 0, 0, stride, offset);
            assertMemory(counters("move").get("global_stores"), 1, sectors, bytes);
        }
    }

    @Test
    void countsTheSectorsOfWhateverAddresses() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void gather(const int *in, const int *from, int *out) {
                    int i = blockIdx.x * blockDim.x + threadIdx.x;
                    if (threadIdx.x % 32 < 27) out[i] = in[from[i]];
                }
                """);
        int[] from = new Random(4).ints(96, 0, 100).toArray();
        kernel.launch(3, 32, device.buffer(new int[100]), device.buffer(from), device.allocate(4 * 96));
        long sectors = 0;
        long bytes = 0;
        for (int warp = 0; warp < 3; ++warp) {
            int[] read = Arrays.copyOfRange(from, 32 * warp, 32 * warp + 27);
            sectors += Arrays.stream(read).map(at -> at / 8).distinct().count();
            bytes += 4 * Arrays.stream(read).distinct().count();
        }
        // 27 of the 32 indices of a warp are read: 108 bytes of 4 sectors. The same for the stores.
        assertMemory(counters("gather").get("global_loads"), 6, sectors + 3 * 4, bytes + 3 * 108);
        assertMemory(counters("gather").get("global_stores"), 3, 3 * 4, 3 * 108);
    }

    @Test
    void countsAsynchronousCopiesAsLoads() {
        device.kernel("""
                extern "C" __global__ void stage(const int4 *in, int4 *out) {
                    __shared__ int4 s[32];
                    int i = threadIdx.x;
                    unsigned to = (unsigned) __cvta_generic_to_shared(s + i);
                    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(to), "l"(in + i) : "memory");
                    asm volatile("cp.async.wait_all;" ::: "memory");
                    out[i] = s[i];
                }
                """).launch(1, 32, device.buffer(new byte[512]), device.allocate(512));
        assertMemory(counters("stage").get("global_loads"), 1, 16, 512);
        assertEquals(2, counters("stage").get("by_class").get("async_copy").asLong());
    }

    // ---- Shared memory ------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "int, 0, 1, 1",
        "int, 1, 1, 1",
        "int, 2, 2, 1",
        "int, 3, 1, 1",
        "int, 4, 4, 1",
        "int, 32, 32, 1",
        "int, 33, 1, 1",
        "int, -1, 1, 1",
        "double, 1, 2, 2",
        "double, 2, 4, 2",
        "double, 16, 32, 2",
        "int4, 1, 4, 4",
        "int4, 2, 8, 4",
        "int4, 8, 32, 4",
        "int4, 9, 4, 4",
        "short, 1, 1, 1",
        "short, 2, 1, 1",
        "short, 64, 32, 1"})
    void countsBankConflicts(String type, int stride, long wavefronts, long ideal) {
        // With 8 bytes per thread a warp needs two passes, with 16 bytes four. Threads that access the same word share
        // it.
        String source = """
                extern "C" __global__ void banks(T *out, int stride, int from) {
                    extern __shared__ __align__(16) T s[];
                    int *words = reinterpret_cast<int *>(s), i = threadIdx.x;
                    for (int k = i; k < 8192; k += 32) words[k] = 0;
                    __syncthreads();
                    T v = s[i * stride + from];  // LOAD
                    __syncthreads();
                    s[i * stride + from] = v;  // STORE
                    out[i] = v;
                }
                """.replace("T ", type + " ");
        boolean distinct = stride != 0;
        if (!distinct) {
            SoftGpu.configure("checks=all+-shared_race");       // 32 threads write one word
        }
        device.kernel(source).shared(32768).launch(1, 32, device.allocate(512), stride, stride < 0 ? 31 : 0);
        JsonNode kernel = counters("banks");
        assertEquals(wavefronts, ofLine(kernel, source, "// LOAD", "load_shared", "wavefronts"));
        assertEquals(ideal, ofLine(kernel, source, "// LOAD", "load_shared", "ideal"));
        assertEquals(wavefronts, ofLine(kernel, source, "// STORE", "store_shared", "wavefronts"));
        JsonNode shared = kernel.get("shared");
        assertEquals(256 + 2, shared.get("requests").asLong());
        assertEquals(256 + 2 * wavefronts, shared.get("wavefronts").asLong());
        assertEquals(2 * (wavefronts - ideal), shared.get("conflicts").asLong());
    }

    // ---- Instructions -------------------------------------------------------------------------------------------

    private static final String CLASSES = """
            extern "C" __global__ void classes(float *x, float b, int n) {
                __shared__ float s[64];
                int i = threadIdx.x;
                float a = x[i];
                #pragma unroll
                for (int k = 0; k < 16; ++k) a = a * b + b;  // FMA
                for (int k = 0; k < n; ++k) {
                    s[i] = a;
                    __syncthreads();  // BARRIER
                    a += s[63 - i];
                    __syncthreads();
                }
                a = __shfl_xor_sync(~0u, a, 1);  // SHUFFLE
                float d[4] = {0, 0, 0, 0};
                unsigned f = __float_as_uint(a) & 0x3c003c00u;
                for (int k = 0; k < n; ++k)
                    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                                 "{%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, {%0, %1, %2, %3};"  // MMA
                                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(f));
                double wide = a;
                wide = wide * wide + 1;  // DOUBLE
                x[i] = d[0] + d[1] + d[2] + d[3] + (float) wide;
            }
            """;

    @Test
    void countsInstructionsByClass() {
        Kernel kernel = device.kernel(CLASSES);
        Buffer x = device.buffer(new float[64]);
        kernel.launch(1, 64, x, 2f, 5);         // two warps
        JsonNode counted = counters("classes");
        JsonNode byClass = counted.get("by_class");
        assertEquals(2 * 16, ofLine(counted, CLASSES, "// FMA", "float32", "warps"));
        assertEquals(64 * 16, ofLine(counted, CLASSES, "// FMA", "float32", "threads"));
        assertEquals(2 * 5 * 2, byClass.get("barrier").asLong());
        assertEquals(2 * 5, byClass.get("tensor").asLong());
        assertEquals(2, byClass.get("warp").asLong());
        assertEquals(2, byClass.get("float64").asLong());       // one fused multiply-add
        assertEquals(2 * (16 + 5 + 4), byClass.get("float32").asLong());
        assertEquals(2, byClass.get("load_global").asLong());
        assertEquals(2, byClass.get("store_global").asLong());
        assertEquals(2 * 5, byClass.get("load_shared").asLong());
        assertEquals(2 * 5, byClass.get("store_shared").asLong());
        assertEquals(0, byClass.get("atomic").asLong() + byClass.get("local").asLong()
                + byClass.get("fence").asLong() + byClass.get("async_copy").asLong());
    }

    @Test
    void addsUpTheSameInJsonAndTable() {
        Kernel kernel = device.kernel(CLASSES);
        Buffer x = device.buffer(new float[64]);
        kernel.launch(1, 64, x, 2f, 5);
        long once = counters("classes").get("warp_instructions").asLong();
        kernel.launch(1, 64, x, 2f, 5);
        JsonNode counted = counters("classes");
        assertEquals(2 * once, counted.get("warp_instructions").asLong());
        assertEquals(2, counted.get("launches").asLong());
        assertEquals(2, counted.get("blocks").asLong());
        assertEquals(128, counted.get("threads").asLong());
        assertEquals(256, counted.get("static_shared").asLong());
        long byClass = 0;
        for (JsonNode count : counted.get("by_class")) {
            byClass += count.asLong();
        }
        assertEquals(2 * once, byClass);
        TreeMap<String, Long> sums = new TreeMap<>();
        for (JsonNode line : counted.get("lines")) {
            for (String counter : new String[] {"warps", "threads", "wavefronts", "ideal"}) {
                sums.merge(counter, line.get(counter).asLong(), Long::sum);
            }
        }
        assertEquals(2 * once, sums.get("warps"));
        assertEquals(counted.get("thread_instructions").asLong(), sums.get("threads"));
        List<String> row = Arrays.asList(SoftGpu.countersTable().lines().filter(l -> l.startsWith("classes "))
                .findFirst().orElseThrow().trim().split("\\s+"));
        // Each launch loads and stores 64 floats in full sectors, and has 5 shared loads and stores of two warps.
        assertEquals(List.of("classes", "2", Long.toString(2 * once), sums.get("threads").toString(), "512", "100.0%",
                "512", "100.0%", Integer.toString(2 * 2 * 5 * 2), "100.0%", "20", "40"), row);
        assertEquals(2 * 2 * 5 * 2, sums.get("wavefronts"));
        assertEquals(sums.get("wavefronts"), sums.get("ideal"));
    }

    private static final String DIVERGENT = """
            extern "C" __global__ void divergent(const int *in, int *out, int n) {
                int i = threadIdx.x, sum = 0;
                #pragma unroll 1
                for (int k = 0; k <= i; ++k)
                    sum += in[k];  // HOT
                if (i < 8)
                    atomicAdd(out + i, sum);  // EIGHT
                if (n > 100) {
                    for (int k = 0; k < n; ++k) atomicAdd(out + k, in[k]);  // NEVER
                }
            }
            """;

    @Test
    void countsTheThreadsOfDivergentCode() {
        device.kernel(DIVERGENT).launch(1, 32, device.buffer(new int[32]), device.buffer(new int[32]), 32);
        JsonNode kernel = counters("divergent");
        // Thread i runs i + 1 iterations: 32 of the warp, 1 + 2 + ... + 32 of threads, each with a load of one word.
        assertEquals(32, ofLine(kernel, DIVERGENT, "// HOT", "load_global", "warps"));
        assertEquals(32 * 33 / 2, ofLine(kernel, DIVERGENT, "// HOT", "load_global", "threads"));
        assertMemory(kernel.get("global_loads"), 32, 32, 32 * 4);
        assertEquals(1, ofLine(kernel, DIVERGENT, "// EIGHT", "atomic", "warps"));
        assertEquals(8, ofLine(kernel, DIVERGENT, "// EIGHT", "atomic", "threads"));
    }

    @Test
    void saysWhichInstructionsNeverRan() {
        Kernel kernel = device.kernel(DIVERGENT);
        Buffer in = device.buffer(new int[101]);
        Buffer out = device.buffer(new int[101]);
        kernel.launch(1, 32, in, out, 32);
        JsonNode counted = counters("divergent");
        long ran = StreamSupport.stream(counted.get("lines").spliterator(), false)
                .filter(line -> line.get("threads").asLong() > 0).count();
        assertEquals(counted.get("lines").size(), counted.get("instructions").asLong());
        assertEquals(ran, counted.get("executed_instructions").asLong());
        assertTrue(ran < counted.get("lines").size());
        assertEquals(0, ofLine(counted, DIVERGENT, "// NEVER", "atomic", "warps"));
        assertTrue(listed(lineOf(DIVERGENT, "// EIGHT")).group(3).equals("8.0")
                || Double.parseDouble(listed(lineOf(DIVERGENT, "// EIGHT")).group(3)) > 8);
        assertTrue(row("divergent", "// NEVER").contains(" never "), SoftGpu.listing("divergent", DIVERGENT));
        kernel.launch(1, 32, in, out, 101);
        assertTrue(ofLine(counters("divergent"), DIVERGENT, "// NEVER", "atomic", "warps") > 0);
    }

    private static String row(String kernel, String mark) {
        return SoftGpu.listing(kernel, DIVERGENT).lines().filter(l -> l.endsWith(mark)).findFirst().orElseThrow();
    }

    /** A row of the listing: instructions, share, threads, line, text. */
    private static final Pattern ROW = Pattern.compile(
            "(?m)^ *(\\d+) +([\\d.]+)% +([\\d.]+|never) .* (\\d+) \\| (.*)$");

    private static MatchResult listed(int line) {
        String listing = SoftGpu.listing("divergent", DIVERGENT);
        return ROW.matcher(listing).results().filter(r -> Integer.parseInt(r.group(4)) == line).findFirst()
                .orElseThrow(() -> new AssertionError(listing));
    }

    @Test
    void listsASourceWithItsHotLine() {
        device.kernel(DIVERGENT).launch(1, 32, device.buffer(new int[32]), device.buffer(new int[32]), 32);
        String listing = SoftGpu.listing("divergent", DIVERGENT);
        JsonNode counted = counters("divergent");
        assertTrue(listing.startsWith("divergent: 1 launches, " + counted.get("warp_instructions").asLong()
                + " warp instructions"), listing);
        for (String line : DIVERGENT.lines().toList()) {
            assertTrue(listing.contains("| " + line), line);
        }
        List<MatchResult> rows = ROW.matcher(listing).results().toList();
        assertEquals(counted.get("warp_instructions").asLong(),
                rows.stream().mapToLong(r -> Long.parseLong(r.group(1))).sum());
        MatchResult hot = listed(lineOf(DIVERGENT, "// HOT"));
        long ofHot = 0;
        for (JsonNode line : counted.get("lines")) {
            if (line.get("source").asText().endsWith("test.cu:" + hot.group(4))) {
                ofHot += line.get("warps").asLong();
            }
        }
        assertEquals(ofHot, Long.parseLong(hot.group(1)));
        assertEquals(String.format(Locale.ROOT, "%.1f",
                100.0 * ofHot / counted.get("warp_instructions").asLong()), hot.group(2));
        // The load of one word per iteration moves a sector of 32 bytes: 32 sectors, of which one eighth was requested.
        assertTrue(hot.group().contains(" 32 ") && hot.group().contains(" 12.5% "), hot.group());
        assertTrue(rows.stream().filter(r -> !r.group(5).contains("for (int k = 0; k <= i"))
                .allMatch(r -> Long.parseLong(r.group(1)) <= Long.parseLong(hot.group(1))), listing);
    }

    @Test
    void countsTheSameOnOneThreadOrMany() {
        Kernel kernel = device.kernel(DIVERGENT);
        Buffer in = device.buffer(new int[32]);
        Buffer out = device.buffer(new int[32]);
        String[] counted = new String[2];
        for (int run = 0; run < 2; ++run) {
            SoftGpu.configure("threads=" + (1 + 3 * run));
            SoftGpu.resetCounters();
            kernel.launch(40, 32, in, out, 32);
            counted[run] = SoftGpu.countersJson().replaceAll("\"seconds\": [\\d.]+", "");
        }
        assertEquals(counted[0], counted[1]);
    }

    @Test
    void countsNothingWhereItIsOff() {
        SoftGpu.configure("counters=off");
        device.kernel(DIVERGENT).launch(1, 32, device.buffer(new int[32]), device.buffer(new int[32]), 32);
        assertEquals("", SoftGpu.countersJson().replaceAll("[\\s{}\\[\\]:]|\"kernels\"", ""));
        assertTrue(SoftGpu.listing("divergent", DIVERGENT).startsWith("no launch of a kernel named divergent"));
    }

    /**
     * Compute capability 8.0 has 192 KB for shared memory and cache. Without a preference 164 of them are shared
     * memory; 32 blocks of a warp have the other 28, and so 7 lines each. With 100 KB of shared memory for each block
     * there is one block: if it prefers as much as that, it has 92 KB of cache; 62 % of 164 KB are more, and the next
     * size is 132 KB.
     */
    @ParameterizedTest
    @CsvSource({
        // bytes, operator, shared memory, preference, passes that go to the level 2 cache, of three
        "896,   ca, 0,      -1, 1", "896,  cg, 0,      -1, 3", "1024,  ca, 0,      -1, 3",
        "28672, ca, 102400, -1, 1", "28800, ca, 102400, -1, 3",
        "94208, ca, 101376, 60, 1", "94336, ca, 101376, 60, 3", "61440, ca, 101376, 62, 1"})
    void theCacheOfABlockHoldsWhatSharedMemoryLeaves(int bytes, String operator, int shared, int preference,
            int passes) {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void again(const float *x, int count, float *sum) {
                    float all = 0;
                    for (int pass = 0; pass < 3; pass++)
                        for (int i = threadIdx.x; i < count; i += blockDim.x) {
                            float v;
                            asm volatile("ld.global.%s.f32 %%0, [%%1];" : "=f"(v) : "l"(x + i));
                            all += v;
                        }
                    sum[threadIdx.x] = all;
                }
                """.formatted(operator)).shared(shared);
        JCudaDriver.cuFuncSetAttribute(kernel.function(),
                CUfunction_attribute.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, preference);
        SoftGpu.configure("counters=caches");
        SoftGpu.resetCounters();
        kernel.launch(1, 32, device.buffer(new float[bytes / 4]), bytes / 4, device.allocate(128));
        JsonNode shape = Counts.of("again").at("/shapes/0");
        assertEquals(3 * bytes / 32 + 4, shape.get("sectors").asInt());
        assertEquals(passes * bytes / 32 + 4, shape.get("l2_sectors").asInt());
    }

    /**
     * A GPU of compute capability 8.0 has 40 MB of level 2 cache, of which 30 are taken to hold what the next launch
     * needs, too.
     */
    @ParameterizedTest
    @CsvSource({
        // megabytes of an array; how the second launch writes; arrays that cross the bus in the first launch, which
        // writes one, in the second, which reads it and writes another, and in the third, which writes both
        "14, wb, 1, 1, 1", "16, wb, 1, 2, 2", "16, cs, 1, 1, 2", "31, cs, 1, 2, 2"})
    void theLevel2CacheKeepsWhatTheLaunchBeforeTouched(int megabytes, String operator, int first, int second,
            int third) {
        SoftGpu.configure("counters=caches");
        Module module = device.module("""
                extern "C" __global__ void produce(float4 *x) {
                    x[blockIdx.x * 256 + threadIdx.x] = make_float4(1, 1, 1, 1);
                }
                extern "C" __global__ void consume(const float4 *x, float4 *y) {
                    const int i = blockIdx.x * 256 + threadIdx.x;
                    const float4 v = x[i];
                    asm volatile("st.global.%s.v4.f32 [%%0], {%%1, %%2, %%3, %%4};"
                                 :: "l"(y + i), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
                }
                extern "C" __global__ void both(float4 *x, float4 *y) {
                    const int i = blockIdx.x * 256 + threadIdx.x;
                    x[i] = y[i] = make_float4(2, 2, 2, 2);
                }
                """.formatted(operator));
        int blocks = megabytes << 8;
        Buffer x = device.allocate((long) megabytes << 20);
        Buffer y = device.allocate((long) megabytes << 20);
        module.kernel("produce").launch(blocks, 256, x);
        module.kernel("consume").launch(blocks, 256, x, y);
        module.kernel("both").launch(blocks, 256, x, y);
        int sectors = (megabytes << 20) / 32;
        assertEquals(first * sectors, Counts.of("produce").at("/shapes/0/bus_sectors").asInt());
        assertEquals(second * sectors, Counts.of("consume").at("/shapes/0/bus_sectors").asInt());
        assertEquals(third * sectors, Counts.of("both").at("/shapes/0/bus_sectors").asInt());
    }
}
