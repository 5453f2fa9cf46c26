package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * PTX instructions with the same register sizes: all are run on all cases in one kernel, and compared with the expected
 * results. Operands and results are bits, zero-extended.
 */
final class Instructions {

    private record Instruction(String ptx, ToLongFunction<long[]> expected) {}

    private final SoftDevice device;
    private final String registers;
    private final List<Instruction> instructions = new ArrayList<>();

    /** @param registers of the result and of the sources, as inline PTX names them: h, r, l of 16, 32, 64 bits */
    Instructions(SoftDevice device, String registers) {
        this.device = device;
        this.registers = registers;
    }

    /** @param ptx an opcode with its modifiers, or instructions in braces with the operands %0, %1... */
    Instructions add(String ptx, ToLongFunction<long[]> expected) {
        instructions.add(new Instruction(ptx, expected));
        return this;
    }

    /** The same, for use with {@link #run} only. */
    Instructions add(String ptx) {
        return add(ptx, null);
    }

    void check(long[][] cases) {
        check(cases, LongUnaryOperator.identity());
    }

    /** @param alike maps results that count as equal to one value */
    void check(long[][] cases, LongUnaryOperator alike) {
        long[][] results = run(cases);
        List<String> wrong = new ArrayList<>();
        for (int k = 0; k < results.length; k++) {
            Instruction instruction = instructions.get(k);
            int before = wrong.size();
            for (int i = 0; i < cases.length && wrong.size() < before + 4; i++) {
                long expected = instruction.expected.applyAsLong(cases[i]);
                if (alike.applyAsLong(expected) != alike.applyAsLong(results[k][i])) {
                    wrong.add(describe(k, cases[i]) + " shall be 0x" + Long.toHexString(expected) + " but was 0x"
                            + Long.toHexString(results[k][i]));
                }
            }
        }
        assertEquals("", String.join("\n", wrong.subList(0, Math.min(40, wrong.size()))));
    }

    /** Instruction k of the operands, in words. */
    String describe(int k, long[] operands) {
        return instructions.get(k).ptx + Arrays.stream(operands).mapToObj(x -> " 0x" + Long.toHexString(x))
                .collect(Collectors.joining(","));
    }

    /** The results by instruction, then by case. */
    long[][] run(long[][] cases) {
        int n = cases.length, sources = registers.length() - 1;
        long[] operands = new long[n * sources];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < sources; j++) {
                operands[j * n + i] = cases[i][j];
            }
        }
        Buffer out = device.allocate(8L * n * instructions.size());
        // A last block that is not full, so that not all lanes of a warp write.
        device.kernel(source()).launch(n / 96 + 1, 96, device.buffer(operands), out, n);
        long[] results = out.longs();
        return IntStream.range(0, instructions.size()).mapToObj(k -> Arrays.copyOfRange(results, k * n, (k + 1) * n))
                .toArray(long[][]::new);
    }

    private String source() {
        StringBuilder source = new StringBuilder("""
                extern "C" __global__ void instructions(const unsigned long long *in, unsigned long long *out, int n) {
                    int i = blockIdx.x * blockDim.x + threadIdx.x;
                    if (i >= n) {
                        return;
                    }
                """);
        int sources = registers.length() - 1;
        String inputs = IntStream.range(0, sources).mapToObj(j -> "\"" + registers.charAt(j + 1) + "\"(x" + j + ")")
                .collect(Collectors.joining(", "));
        String operands = IntStream.rangeClosed(0, sources).mapToObj(j -> "%" + j).collect(Collectors.joining(", "));
        for (int j = 0; j < sources; j++) {
            String type = type(registers.charAt(j + 1));
            source.append("    %s x%d = (%s) in[%d * n + i];\n".formatted(type, j, type, j));
        }
        for (int k = 0; k < instructions.size(); k++) {
            String ptx = instructions.get(k).ptx;
            source.append("    { %s d; asm(\"%s\" : \"=%s\"(d) : %s); out[%d * n + i] = d; }\n".formatted(
                    type(registers.charAt(0)), ptx.startsWith("{") ? ptx : ptx + " " + operands + ";",
                    registers.charAt(0), inputs, k));
        }
        return source.append("}\n").toString();
    }

    private static String type(char register) {
        return switch (register) {
            case 'h' -> "unsigned short";
            case 'r' -> "unsigned int";
            case 'l' -> "unsigned long long";
            default -> throw new IllegalArgumentException("register " + register);
        };
    }

    /** All combinations of one value from each. */
    static long[][] combinations(long[]... values) {
        long[][] all = {{}};
        for (long[] next : values) {
            all = Arrays.stream(all).flatMap(head -> Arrays.stream(next).mapToObj(x -> {
                long[] longer = Arrays.copyOf(head, head.length + 1);
                longer[head.length] = x;
                return longer;
            })).toArray(long[][]::new);
        }
        return all;
    }

    /** All combinations of {@code count} of the edges of a format, and as many random ones as that is. */
    static long[][] operands(FloatFormat format, int count) {
        long[] edges = format.edges();
        long[][] all = combinations(edges);
        if (count == 2) {
            all = combinations(edges, edges);
        } else if (count == 3) {
            // Of most, one sign is enough for two of them.
            long[] fewer = Arrays.stream(edges).filter(x -> !format.isNegative(x) || (x & format.nan()) <= 1
                    || (x & format.nan()) == format.one()).toArray();
            all = combinations(edges, fewer, fewer);
        }
        Random random = new Random(7);
        long[][] more = new long[Math.max(500, all.length / 2)][count];
        for (long[] values : more) {
            Arrays.setAll(values, j -> format.random(random));
        }
        return join(all, more);
    }

    static long[][] join(long[][] some, long[][] more) {
        long[][] all = Arrays.copyOf(some, some.length + more.length);
        System.arraycopy(more, 0, all, some.length, more.length);
        return all;
    }
}
