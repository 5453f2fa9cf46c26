package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.backend.cuda.KernelCoverage.Instruction;
import io.framecast.backend.cuda.KernelCoverage.Never;
import io.framecast.backend.cuda.compiler.TestCompiler;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;

/**
 * Prints how much of the kernels' PTX the tests before this one have executed; {@link KernelCoverageLast} puts it last.
 * If the whole suite runs, all instructions must be executed except those in {@link #REASONS}. To see what some tests
 * execute, run this test with them: {@code -Dtest=GateKernelsTest,KernelCoverageTest}.
 */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "a GPU keeps no record")
class KernelCoverageTest {

    /** Why some instructions are never executed. */
    private record Reason(String why, Predicate<Never> explains) {
    }

    private static final List<Reason> REASONS = List.of(
            new Reason("the long way of a division of 64 bits, for numbers of 2^32 or more: arrays of 16 GiB",
                    never -> isLongDivision(never.block())),
            new Reason("the way of a number beyond the last activation's",
                    of("activations.cuh", "switch (activation) {", "bra")),
            new Reason("the way around the last turns of a loop, of which each of a block's 8 warps makes all 4",
                    of("transpose.cu", "for (int i = warp; i < TILE; i += WARPS)", "bra")),
            new Reason("the ways around loops over a block of pixels and over a window, which have at least one turn",
                    of("block_matching.cu", "for (int y = top; y < top + block; y++)", "bra")
                            .or(of("block_matching.cu", "for (int r = 0; r < height; r++)", "bra"))
                            .or(of("block_matching.cu", "for (int c = 0; c < width; c++)", "bra"))),
            new Reason("log1pf's way of numbers of -1 or less, which e^-|x| is not",
                    of("loss.cu", "log1pf(expf(-fabsf(x)))", "bra")
                            .or(of("functions.cu", "log1pf(expf(-fabsf(x)))", "bra"))),
            new Reason("logf's and log1pf's ways of infinity, and log1pf's of positive numbers; they take p, which is "
                    + "between 0 and 1, and -p", of("loss.cu", "logf(p)", "bra", "mov.f32", "fma.rn.f32")));

    /** Instructions of these opcodes at the lines of a file that contain this text. */
    private static Predicate<Never> of(String file, String text, String... opcodes) {
        List<String> lines = TestCompiler.text(file).lines().toList();
        return never -> {
            String[] place = never.instruction().line().split(":");
            return place[0].equals(file) && lines.get(Integer.parseInt(place[1]) - 1).contains(text)
                    && List.of(opcodes).contains(never.instruction().opcode());
        };
    }

    private static boolean isLongDivision(List<Instruction> block) {
        return block.stream().anyMatch(instruction -> instruction.opcode().matches("(div|rem)\\.[su]64"))
                && block.stream().allMatch(instruction -> Set.of("integer", "control").contains(instruction.kind()));
    }

    private static final String HEADING = """

            PTX instructions of the CUDA kernels that the tests executed on the software device. A kernel is compiled
            anew for each shape of a layer; counted are all its variants that a test launched, of those compiled.
              executed   a thread ran it, in that variant; a branch, a thread took it
              elsewhere  not so, but another variant executed its like at the same source line: the same kind of access
                         or arithmetic; or, for what serves addresses and conditions, anything
              never      neither; why is told below

            """;

    private final StringBuilder report = new StringBuilder(HEADING);
    private final List<String> problems = new ArrayList<>();
    private final Map<Reason, Map<String, Integer>> explained = new LinkedHashMap<>();

    @Test
    void everyInstructionIsExecutedOrHasAReason() throws IOException, URISyntaxException {
        addRow("kernel", "source", "variants", "instructions", "executed", "elsewhere", "never");
        for (String file : files()) {
            List<KernelCoverage> kernels = KernelCoverage.of(file);
            if (kernels.isEmpty()) {
                problems.add(file + " is loaded by no test");
            }
            kernels.forEach(this::add);
        }
        for (Reason reason : REASONS) {
            Map<String, Integer> kernels = explained.get(reason);
            if (kernels == null) {
                problems.add("nothing needs the reason \"" + reason.why + "\"");
            } else {
                report.append(String.format("%nNever executed: %s.%n  %s%n", reason.why, kernels.entrySet().stream()
                        .map(kernel -> kernel.getKey() + " " + kernel.getValue()).collect(Collectors.joining(", "))));
            }
        }
        boolean whole = KernelCoverageLast.isWholeSuite();
        if (!whole) {
            report.append("\nNot all tests were run, and so not everything has to be executed.\n");
        }
        problems.forEach(problem -> report.append(problem).append('\n'));
        System.out.println(report);
        assumeTrue(whole, "not all tests were run");
        if (!problems.isEmpty()) {
            fail(String.join("\n", problems));
        }
    }

    private static List<String> files() throws IOException {
        try (var files = Files.list(Path.of("..", "cuda-kernels"))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".cu")).sorted()
                    .toList();
        }
    }

    private void add(KernelCoverage kernel) {
        List<Never> never = kernel.never();
        int elsewhere = kernel.instructions() - kernel.executed() - never.size();
        addRow(kernel.kernel(), kernel.file(), kernel.variants().size() + " of " + kernel.compiled(),
                kernel.instructions(), kernel.executed(), elsewhere, never.size());
        if (kernel.variants().isEmpty()) {
            problems.add(kernel.kernel() + " of " + kernel.file() + " is launched by no test");
            return;
        }
        Map<String, Set<String>> unexplained = new TreeMap<>();
        for (Never one : never) {
            REASONS.stream().filter(reason -> reason.explains.test(one)).findFirst().ifPresentOrElse(
                    reason -> explained.computeIfAbsent(reason, r -> new TreeMap<>())
                            .merge(kernel.kernel(), 1, Integer::sum),
                    () -> unexplained.computeIfAbsent(String.join(" called in ", one.instruction().place()),
                            source -> new LinkedHashSet<>()).add(one.instruction().opcode()));
        }
        unexplained.forEach((source, opcodes) -> problems.add(kernel.kernel() + " never executes of " + source + ": "
                + String.join(" ", opcodes)));
    }

    private void addRow(Object... cells) {
        report.append(String.format(Locale.ROOT, "%-30s %-18s %10s %13s %9s %10s %6s%n", cells));
    }
}
