package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random accesses of whole words: the races and the counts are those of the definitions. */
class RandomAccessTest {

    private static final int ELEMENTS = 128;

    /** A step of a thread that accesses nothing. */
    private static final int NOTHING = ELEMENTS;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    // ---- Races ------------------------------------------------------------------------------------------------------

    /** Each thread plays its steps: at[step][thread] is the element it loads, or -1 less the element it stores. */
    private static final String PLAY = """
            struct __align__(4 * WORDS) Element { int v[WORDS]; };
            __device__ Element elements[128];
            extern "C" __global__ void play(const int *at, const int *barrier, int steps, int *out) {
                __shared__ Element own[128];
                for (int k = threadIdx.x; k < 128; k += blockDim.x) own[k] = elements[k];
                __syncthreads();
                int thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x, sum = 0;
                for (int step = 0; step < steps; ++step) {
                    int mine = step * threads + thread, a = at[mine];
                    if (a < 0) {
                        Element e;
                        for (int w = 0; w < WORDS; ++w) e.v[w] = 1 + mine * WORDS + w;
                        WHERE[-1 - a] = e;
                    } else if (a < 128) {
                        Element e = WHERE[a];
                        for (int w = 0; w < WORDS; ++w) sum += e.v[w];
                    }
                    if (barrier[step]) __syncthreads();
                }
                out[thread] = sum;
            }
            """;

    /** A random game, most of which has an order: threads have elements of their own, in one of several layouts. */
    private record Game(int[][] at, int[] barrier) {

        static Game random(Random random, int threads) {
            int steps = 1 + random.nextInt(6);
            int[][] at = new int[steps][threads];
            int[] barrier = IntStream.range(0, steps).map(s -> random.nextInt(2)).toArray();
            for (int[] step : at) {
                boolean stores = random.nextInt(3) == 0;
                int factor = new int[] {1, 1, 3, 5, 33, 0}[random.nextInt(stores ? 5 : 6)];
                int offset = random.nextInt(4) == 0 ? random.nextInt(ELEMENTS) : 0;
                for (int t = 0; t < threads; t++) {
                    int element = (t * factor + offset) % ELEMENTS;
                    step[t] = random.nextInt(8) == 0 ? NOTHING : stores ? -1 - element : element;
                }
            }
            for (int spoiled = random.nextInt(3); spoiled > 0; spoiled--) {
                int element = random.nextInt(ELEMENTS);
                at[random.nextInt(steps)][random.nextInt(threads)] = random.nextBoolean() ? element : -1 - element;
            }
            return new Game(at, barrier);
        }

        /** Whether two parties, each of so many threads, access an element between two barriers, and one stores. */
        boolean hasRace(int party, boolean barriers) {
            Map<Integer, Integer> reader = new HashMap<>();
            Map<Integer, Integer> writer = new HashMap<>();
            int many = -1;
            for (int step = 0; step < at.length; step++) {
                for (int t = 0; t < at[step].length; t++) {
                    int a = at[step][t];
                    if (a < NOTHING) {
                        (a < 0 ? writer : reader).merge(a < 0 ? -1 - a : a, t / party,
                                (before, now) -> before.equals(now) ? now : many);
                    }
                }
                for (Map.Entry<Integer, Integer> written : writer.entrySet()) {
                    int other = reader.getOrDefault(written.getKey(), written.getValue());
                    if (written.getValue() == many || other != written.getValue()) {
                        return true;
                    }
                }
                if (barriers && barrier[step] != 0) {
                    reader.clear();
                    writer.clear();
                }
            }
            return false;
        }
    }

    @ParameterizedTest
    @CsvSource({"own, 1, 1", "own, 2, 1", "own, 4, 1", "elements, 1, 1", "elements, 2, 1", "elements, 1, 4",
        "elements, 4, 4"})
    void findsARaceWhereThereIsOne(String where, int words, int hostThreads) {
        SoftGpu.configure("threads=" + hostThreads);
        boolean shared = where.equals("own");
        int threads = 128;
        int block = shared ? threads : 32;
        String source = PLAY.replace("WORDS", "" + words).replace("WHERE", where);
        Random random = new Random(words + where.length());
        int races = 0;
        for (int n = 0; n < 150; n++) {
            Game game = Game.random(random, threads);
            Kernel kernel = device.kernel(source);
            int[] at = Arrays.stream(game.at).flatMapToInt(Arrays::stream).toArray();
            Object[] arguments = {device.buffer(at), device.buffer(game.barrier), game.at.length,
                device.allocate(4 * threads)};
            if (!game.hasRace(shared ? 1 : block, shared)) {
                kernel.launch(threads / block, block, arguments);
                continue;
            }
            races++;
            String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED,
                    () -> kernel.launch(threads / block, block, arguments));
            assertTrue(report.contains(shared ? "check shared_race" : "check block_race"), report);
        }
        assertTrue(races > 20 && races < 130, races + " games with a race");
    }

    // ---- Counts -----------------------------------------------------------------------------------------------------

    /** In each of the 32 banks, the words of a pass are read one after the other, each once for all lanes. */
    private static int passes(int[] words) {
        int[] inBank = new int[32];
        Arrays.stream(words).distinct().forEach(word -> inBank[word % 32]++);
        return Arrays.stream(inBank).max().orElseThrow();
    }

    @Test
    void countsThePassesOverTheBanks() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void passes(const int *at, unsigned active, int *out) {
                    extern __shared__ int s[];
                    if (active >> threadIdx.x & 1) out[threadIdx.x] = s[at[threadIdx.x]];
                }
                """).shared(4096);
        SoftGpu.configure("checks=all+-initialized");
        Random random = new Random(7);
        for (int n = 0; n < 300; n++) {
            int range = 1 << random.nextInt(11);
            int like = 1 << random.nextInt(6);      // lanes like the one before, or so far before
            int[] at = random.ints(32, 0, range).toArray();
            for (int l = 0; l < 32; l++) {
                at[l] = switch (n % 3) {
                    case 0 -> at[l];
                    case 1 -> at[l % like];
                    default -> at[l / like * like];
                };
            }
            if (n % 5 == 0) {
                Arrays.sort(at);
            }
            int active = n % 4 == 0 ? random.nextInt() | 1 : -1;
            int[] words = IntStream.range(0, 32).filter(l -> (active >> l & 1) != 0).map(l -> at[l]).toArray();
            SoftGpu.resetCounters();
            kernel.launch(1, 32, device.buffer(at), active, device.allocate(128));
            JsonNode shared = Counts.of("passes").get("shared");
            assertEquals(1, shared.get("requests").asInt());
            assertEquals(passes(words), shared.get("wavefronts").asInt(), Arrays.toString(words));
            assertEquals(1, shared.get("ideal").asInt());
        }
    }
}
