package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The coverage record. It is global to the process, so each test uses its own programs, with a unique file name. */
class CoverageTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("coverage=on");

    /** Block 4, n from 4 on: everything runs except one branch, whose condition is never true. */
    private static String ptx(String file) {
        return """
                .version 8.6
                .target sm_80
                .address_size 64
                .file 1 "/sources/%s"
                .visible .entry sum(.param .u64 out, .param .u32 n)
                {
                    .reg .pred %%p<3>;
                    .reg .b32 %%r<3>;
                    .reg .b64 %%rd<2>;
                    .loc 1 7 5
                    ld.param.u64 %%rd1, [out];
                    ld.param.u32 %%r1, [n];
                    mov.u32 %%r2, %%tid.x;
                    setp.eq.u32 %%p1, %%r2, %%r1;
                    setp.ge.u32 %%p2, %%r2, 4;
                    .loc 1 9 5
                    @%%p1 st.global.u32 [%%rd1], %%r2;
                    @%%p2 bra OTHER;
                    @!%%p1 bra END;
                    red.global.add.u32 [%%rd1], 1;
                    bra END;
                OTHER:
                    trap;
                END:
                    ret;
                }
                """.formatted(file);
    }

    /** The records of the programs with code from a file, in the order of their loading. */
    private static List<JsonNode> programs(String file) {
        try {
            JsonNode programs = new ObjectMapper().readTree(SoftGpu.coverageJson(file)).get("programs");
            return StreamSupport.stream(programs.spliterator(), false).toList();
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode instructions(JsonNode program, String function) {
        for (JsonNode f : program.get("functions")) {
            if (f.get("name").asText().equals(function)) {
                return f.get("instructions");
            }
        }
        throw new AssertionError("no function " + function + " in " + program);
    }

    /** The PTX of what never ran. */
    private static List<String> missing(JsonNode program, String function) {
        List<String> missing = new ArrayList<>();
        for (JsonNode instruction : instructions(program, function)) {
            if (!instruction.get("executed").asBoolean()) {
                missing.add(instruction.get("text").asText());
            }
        }
        return missing;
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void remembersWhatSomeThreadRan(String counters) {
        SoftGpu.configure("counters=" + counters);
        String file = "remembers_" + counters + ".cu";
        Buffer out = device.buffer(0);
        Module module = device.ptxModule(ptx(file));
        List<String> all = List.of("@%p1 st.global.u32 [%rd1], %r2;", "@%p2 bra OTHER;",
                "red.global.add.u32 [%rd1], 1;", "bra END;", "trap;");
        assertEquals(12, missing(programs(file).get(0), "sum").size());
        module.kernel("sum").launch(1, 4, out, 4);      // no thread has this number
        assertEquals(all, missing(programs(file).get(0), "sum"));

        SoftGpu.resetCounters();
        module.close();
        device.ptxKernel(ptx(file), "sum").launch(1, 4, out, 2);
        assertEquals(1, programs(file).size(), "it is the same program");
        assertEquals(List.of(all.get(1), all.get(4)), missing(programs(file).get(0), "sum"));
        device.ptxKernel(ptx(file), "sum").launch(1, 4, out, 4);
        assertEquals(List.of(all.get(1), all.get(4)), missing(programs(file).get(0), "sum"));
    }

    /** So that a process which makes modules without end does not grow. */
    @Test
    void keepsNothingUnlessAsked() {
        SoftGpu.configure("coverage=off");
        device.ptxKernel(ptx("unrecorded.cu"), "sum").launch(1, 4, device.buffer(0), 4);
        assertEquals(List.of(), programs("unrecorded.cu"));
        SoftGpu.configure("coverage=on");
        device.ptxKernel(ptx("unrecorded.cu"), "sum").launch(1, 4, device.buffer(0), 4);
        assertEquals(5, missing(programs("unrecorded.cu").get(0), "sum").size());
    }

    @Test
    void tellsProgramsApart() {
        String ptx = ptx("apart.cu");
        Buffer out = device.buffer(0);
        device.ptxKernel(ptx, "sum").launch(1, 4, out, 2);
        device.ptxModule(ptx.replace(", 1;", ", 2;"));
        device.ptxModule(ptx("another.cu"));
        List<JsonNode> programs = programs("apart.cu");
        assertEquals(2, programs.size());
        assertEquals(2, missing(programs.get(0), "sum").size());
        assertEquals(12, missing(programs.get(1), "sum").size());
        assertEquals(0, programs("part.cu").size());
        assertTrue(programs(null).containsAll(programs));
        assertTrue(programs(null).containsAll(programs("another.cu")));
    }

    @Test
    void saysWhereAnInstructionStands() {
        device.ptxModule(ptx("where.cu"));
        JsonNode program = programs("where.cu").get(0);
        assertEquals("{\"ptx_line\":17,\"text\":\"@%p1 st.global.u32 [%rd1], %r2;\",\"class\":\"store_global\","
                + "\"place\":1,\"executed\":false}", instructions(program, "sum").get(5).toString());
        assertEquals("[[\"/sources/where.cu:7\"],[\"/sources/where.cu:9\"]]", program.get("places").toString());
    }

    /**
     * Instructions run in every way: barriers, shuffles, calls, divergence. And by every host thread: each block has
     * its own instruction, and runs long enough that all host threads get some blocks.
     */
    @Test
    void missesNothing() {
        String source = """
                __device__ __noinline__ int deep(int n) { return n < 2 ? n : deep(n / 2) + 1; }

                extern "C" __global__ void everything(int *out) {
                    __shared__ int s[64];
                    int i = threadIdx.x;
                    s[i] = i % 3 ? deep(i) : __shfl_sync(__activemask(), i, 0);
                    __syncthreads();
                    for (int k = 0; k < 500; ++k) atomicAdd(out, s[63 - i]);
                    #pragma unroll
                    for (int b = 0; b < 40; ++b)
                        asm volatile("{ .reg .pred p; setp.eq.u32 p, %1, %2; @p red.global.add.u32 [%0], 1; }"
                                     :: "l"(out), "r"(blockIdx.x), "r"(b) : "memory");
                }
                """;
        String ptx = device.compile(source).replace("test.cu", "everything.cu");
        SoftGpu.configure("threads=4");
        device.ptxKernel(ptx, "everything").launch(40, 64, device.buffer(0));
        JsonNode program = programs("everything.cu").get(0);
        assertEquals(2, program.get("functions").size());
        for (JsonNode function : program.get("functions")) {
            assertTrue(function.get("instructions").size() > 5);
            assertEquals(List.of(), missing(program, function.get("name").asText()));
        }
    }

    /** The lines of inlined functions come with the lines of the calls, up to the kernel. */
    @Test
    void saysWhatWasInlinedWhere() {
        String source = """
                __device__ __forceinline__ float inner(float x) { return __fdividef(x, 3); }
                __device__ __forceinline__ float outer(float x) {
                    return inner(x) + 1;
                }
                extern "C" __global__ void chain(float *x) {
                    x[0] = outer(x[0]);
                    x[1] = outer(x[1]);
                    x[2] = inner(x[2]);
                }
                """;
        device.ptxModule(device.compile(source).replace("test.cu", "chain.cu"));
        JsonNode program = programs("chain.cu").get(0);
        Set<String> divisions = StreamSupport.stream(instructions(program, "chain").spliterator(), false)
                .filter(instruction -> instruction.get("text").asText().startsWith("div."))
                .map(instruction -> program.get("places").get(instruction.get("place").asInt()))
                .map(place -> StreamSupport.stream(place.spliterator(), false)
                        .map(line -> line.asText().replaceFirst(".*:", "")).collect(Collectors.joining(" ")))
                .collect(Collectors.toSet());
        assertEquals(Set.of("1 3 6", "1 3 7", "1 8"), divisions);
    }
}
