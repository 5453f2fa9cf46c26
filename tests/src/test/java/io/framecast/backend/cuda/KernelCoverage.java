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
import java.util.stream.Stream;

/**
 * Which instructions of a kernel this process has run on the software device.
 *
 * @param compiled the number of its variants: programs that it was compiled to, for example for different layer shapes
 * @param variants the instructions of each variant that was launched
 */
record KernelCoverage(String file, String kernel, int compiled, List<List<Instruction>> variants) {

    /**
     * A PTX instruction.
     *
     * @param kind the kind of instruction, as the software device classifies it
     * @param place its CUDA source line, "column_reduction.cuh:33", and the lines of the inlined calls
     */
    record Instruction(String opcode, String kind, List<String> place, boolean executed) {

        private static final String ANY = "any";

        String line() {
            return place.get(0);
        }

        /** Instructions of other variants that are equivalent to this one: it counts as executed if one of them is. */
        private Work work() {
            // The compiler decides how to compute addresses and conditions, differently for each shape.
            return new Work(line(),
                    Set.of("integer", "move", "convert", "control", "constant").contains(kind) ? ANY : kind);
        }

        private Stream<Work> standsFor() {
            return Stream.of(new Work(line(), kind), new Work(line(), ANY));
        }
    }

    private record Work(String line, String kind) {
    }

    /** @param block the basic block of this instruction */
    record Never(Instruction instruction, List<Instruction> block) {
    }

    private record Coverage(List<Program> programs) {
        private record Program(List<Function> functions, List<List<String>> places) {
        }

        private record Function(String name, List<Line> instructions) {
        }

        private record Line(String text, @JsonProperty("class") String kind, int place, boolean executed) {
        }
    }

    /** The kernels, and the functions that were not inlined, in all loaded programs of a CUDA file. */
    static List<KernelCoverage> of(String file) throws IOException {
        Coverage coverage = new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
                .readValue(SoftGpu.coverageJson(file), Coverage.class);
        Map<String, List<List<Instruction>>> kernels = new LinkedHashMap<>();
        for (Coverage.Program program : coverage.programs) {
            List<List<String>> places = program.places.stream().map(place -> place.stream()
                    .map(line -> line.substring(line.lastIndexOf('/') + 1)).toList()).toList();
            for (Coverage.Function function : program.functions) {
                kernels.computeIfAbsent(function.name, name -> new ArrayList<>()).add(function.instructions.stream()
                        .map(line -> new Instruction(opcode(line.text), line.kind, places.get(line.place),
                                line.executed)).toList());
            }
        }
        return kernels.entrySet().stream().map(kernel -> new KernelCoverage(file, kernel.getKey(),
                kernel.getValue().size(), kernel.getValue().stream()
                .filter(variant -> variant.stream().anyMatch(Instruction::executed)).toList())).toList();
    }

    private static String opcode(String text) {
        return text.replaceFirst("^(\\{ *)?(@!?%\\w+ +)?", "").split("[ ;]", 2)[0];
    }

    /** In all variants together. */
    int instructions() {
        return variants.stream().mapToInt(List::size).sum();
    }

    /** Instructions that some thread ran. */
    int executed() {
        return (int) variants.stream().flatMap(List::stream).filter(Instruction::executed).count();
    }

    /** Instructions that no thread ran, also not an equivalent one in another variant. */
    List<Never> never() {
        List<Set<Work>> ran = variants.stream().map(variant -> variant.stream().filter(Instruction::executed)
                .flatMap(Instruction::standsFor).collect(Collectors.toSet())).toList();
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
