package io.framecast.backend.cuda;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.softgpu.SoftGpu;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What this process has run of a kernel on the software device.
 *
 * @param variants the instructions of each program that it was compiled to, for a layer's shape, say
 */
record KernelCoverage(String file, String kernel, List<List<Instruction>> variants) {

    /**
     * A PTX instruction.
     *
     * @param source its line of CUDA, "columns.cuh:33", and those of the calls that were inlined there
     * @param kind what it does, as the software device tells instructions apart
     */
    record Instruction(String text, @JsonProperty("class") String kind, List<String> source, boolean executed) {

        Instruction {
            source = source.stream().map(line -> line.substring(line.lastIndexOf('/') + 1)).toList();
        }

        /** Its line of CUDA. */
        String line() {
            return source.get(0);
        }

        /** What instructions have in common that stand for one another in different variants. */
        private Work work() {
            // How it reckons an address is up to the compiler, and differs from shape to shape.
            return new Work(line(), Set.of("move", "convert").contains(kind) ? "integer" : kind);
        }

        String opcode() {
            return text.replaceFirst("^(\\{ *)?(@!?%\\w+ +)?", "").split("[ ;]", 2)[0];
        }
    }

    /** @param block the instructions from one branch to the next that this one stands among */
    record Never(Instruction instruction, List<Instruction> block) {
    }

    private record Work(String line, String kind) {
    }

    private record Function(String name, List<Instruction> instructions) {
    }

    private record Program(List<Function> functions) {
    }

    private record Coverage(List<Program> programs) {
    }

    /** The kernels, and functions that were not inlined, of the programs that were loaded of a CUDA file. */
    static List<KernelCoverage> of(String file) throws IOException {
        Coverage coverage = new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
                .readValue(SoftGpu.coverageJson(file), Coverage.class);
        Map<String, List<List<Instruction>>> kernels = new LinkedHashMap<>();
        for (Program program : coverage.programs) {
            for (Function function : program.functions) {
                kernels.computeIfAbsent(function.name, name -> new ArrayList<>()).add(function.instructions);
            }
        }
        return kernels.entrySet().stream().map(e -> new KernelCoverage(file, e.getKey(), e.getValue())).toList();
    }

    /** In all variants together. */
    int instructions() {
        return variants.stream().mapToInt(List::size).sum();
    }

    /** Instructions that some thread ran. */
    int executed() {
        return (int) variants.stream().flatMap(List::stream).filter(Instruction::executed).count();
    }

    /** Instructions that no thread ran, nor in another variant one of the same line and kind. */
    List<Never> never() {
        List<Set<Work>> ran = variants.stream().map(variant -> variant.stream().filter(Instruction::executed)
                .map(Instruction::work).collect(Collectors.toSet())).toList();
        Map<Work, Integer> variantsThatRan = new HashMap<>();
        ran.forEach(works -> works.forEach(work -> variantsThatRan.merge(work, 1, Integer::sum)));
        List<Never> never = new ArrayList<>();
        for (int v = 0; v < ran.size(); v++) {
            for (List<Instruction> block : blocks(variants.get(v))) {
                for (Instruction instruction : block) {
                    int elsewhere = variantsThatRan.getOrDefault(instruction.work(), 0)
                            - (ran.get(v).contains(instruction.work()) ? 1 : 0);
                    if (!instruction.executed && elsewhere == 0) {
                        never.add(new Never(instruction, block));
                    }
                }
            }
        }
        return never;
    }

    private static List<List<Instruction>> blocks(List<Instruction> instructions) {
        List<List<Instruction>> blocks = new ArrayList<>();
        int begin = 0;
        for (int end = 1; end <= instructions.size(); end++) {
            if (end == instructions.size() || instructions.get(end - 1).opcode().startsWith("bra")) {
                blocks.add(instructions.subList(begin, end));
                begin = end;
            }
        }
        return blocks;
    }
}
