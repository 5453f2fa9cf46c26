package io.framecast.softgpu;

import java.math.BigInteger;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The scalar and SIMD instructions for videos, against their definition with numbers of any size. */
class VideoTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private static final List<String> PARTS = List.of("", ".b0", ".b1", ".b2", ".b3", ".h0", ".h1");

    private static final long[] VALUES = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffffL, 0x7fffffffL, 0x80000000L,
            0xffffffffL,
        0x12345678L, 0xfedcba98L};

    /** The byte, half or word that a part names, as a number. */
    private static BigInteger part(long word, String part, boolean signed) {
        int bits = part.isEmpty() ? 32 : part.charAt(1) == 'b' ? 8 : 16;
        int index = part.isEmpty() ? 0 : part.charAt(2) - '0';
        return number(word >>> index * bits, bits, signed);
    }

    private static BigInteger number(long bits, int width, boolean signed) {
        BigInteger all = BigInteger.valueOf(bits & (1L << width) - 1);
        return signed && all.testBit(width - 1) ? all.subtract(BigInteger.ONE.shiftLeft(width)) : all;
    }

    private static BigInteger clamp(BigInteger x, int width, boolean signed) {
        BigInteger end = BigInteger.ONE.shiftLeft(signed ? width - 1 : width);
        return x.min(end.subtract(BigInteger.ONE)).max(signed ? end.negate() : BigInteger.ZERO);
    }

    private static long low(BigInteger x) {
        return x.longValue() & 0xffffffffL;
    }

    private static BigInteger combine(String name, BigInteger a, BigInteger b) {
        BigInteger sum = a.add(b);
        int shift = b.max(BigInteger.ZERO).min(BigInteger.valueOf(32)).intValue();
        return switch (name) {
            case "vadd" -> sum;
            case "vsub" -> a.subtract(b);
            case "vabsdiff" -> a.subtract(b).abs();
            case "vmin" -> a.min(b);
            case "vmax" -> a.max(b);
            // Half of the sum, away from zero.
            case "vavrg" -> sum.add(BigInteger.valueOf(sum.signum())).divide(BigInteger.TWO);
            case "vshl.clamp" -> a.multiply(BigInteger.TWO.pow(shift));
            case "vshr.clamp" -> a.shiftRight(shift);
            case "vshl.wrap" -> a.multiply(BigInteger.TWO.pow(b.mod(BigInteger.valueOf(32)).intValue()));
            case "vshr.wrap" -> a.shiftRight(b.mod(BigInteger.valueOf(32)).intValue());
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static String type(boolean signed) {
        return signed ? ".s32" : ".u32";
    }

    @Test
    void scalarOperations() {
        Random random = new Random(5);
        long[][] cases = Instructions.combinations(VALUES, VALUES, new long[] {0, 0x89abcdefL, 0x7fffffffL});
        for (String name : List.of("vadd", "vsub", "vabsdiff", "vmin", "vmax", "vshl.clamp", "vshl.wrap", "vshr.clamp",
                "vshr.wrap")) {
            boolean shifts = name.startsWith("vsh");
            Instructions all = new Instructions(device, "rrrr");
            for (int i = 0; i < 40; i++) {
                boolean d = random.nextBoolean(), a = random.nextBoolean(), b = !shifts && random.nextBoolean();
                boolean sat = random.nextBoolean();
                String aPart = PARTS.get(random.nextInt(7)), bPart = PARTS.get(random.nextInt(7));
                String second = List.of("", ".add", ".min", ".max").get(random.nextInt(4));
                String dPart = second.isEmpty() ? PARTS.get(random.nextInt(7)) : "";
                int bits = dPart.isEmpty() ? 32 : dPart.charAt(1) == 'b' ? 8 : 16;
                String mode = shifts ? name.substring(4) : "", c = second.isEmpty() && dPart.isEmpty() ? "" : ", %3";
                String ptx = "{ .reg .b32 x; %s%s%s%s%s%s%s x%s, %%1%s, %%2%s%s; mov.b32 %%0, x; }".formatted(
                        shifts ? name.substring(0, 4) : name, type(d), type(a), type(b), sat ? ".sat" : "", mode,
                                second, dPart, aPart,
                        bPart, c);
                all.add(ptx, x -> {
                    BigInteger t = combine(name, part(x[0], aPart, a), part(x[1], bPart, b));
                    t = sat ? clamp(t, bits, d) : t;
                    BigInteger third = number(x[2], 32, d);
                    switch (second) {
                        case ".add": return low(t.add(third));
                        case ".min": return low(t.min(third));
                        case ".max": return low(t.max(third));
                        default: return insert(x[2], dPart, low(t));
                    }
                });
            }
            all.check(cases);
        }
    }

    private static long insert(long word, String part, long value) {
        if (part.isEmpty()) {
            return value;
        }
        int bits = part.charAt(1) == 'b' ? 8 : 16, index = part.charAt(2) - '0';
        long mask = (1L << bits) - 1 << index * bits;
        return word & ~mask | value << index * bits & mask;
    }

    @Test
    void comparisons() {
        Instructions all = new Instructions(device, "rrrr");
        String[] names = {"eq", "ne", "lt", "le", "gt", "ge"};
        for (int i = 0; i < 24; i++) {
            boolean a = i % 2 == 0, b = i / 2 % 2 == 0;
            String name = names[i % 6], second = i < 8 ? "" : i < 16 ? ".add" : ".max", aPart = PARTS.get(i % 7);
            all.add("{ .reg .b32 x; vset%s%s.%s%s x, %%1%s, %%2%s; mov.b32 %%0, x; }".formatted(type(a), type(b), name,
                    second, aPart,
                    second.isEmpty() ? "" : ", %3"), x -> {
                        int order = part(x[0], aPart, a).compareTo(number(x[1], 32, b));
                        long t = switch (name) {
                            case "eq" -> order == 0;
                            case "ne" -> order != 0;
                            case "lt" -> order < 0;
                            case "le" -> order <= 0;
                            case "gt" -> order > 0;
                            default -> order >= 0;
                        } ? 1 : 0;
                        return second.isEmpty() ? t : second.equals(".add") ? t + x[2] & 0xffffffffL : Math.max(t,
                                x[2]);
                    });
        }
        all.check(Instructions.combinations(VALUES, VALUES, new long[] {0, 5, 0xffffffffL}));
    }

    /** (-)a * (-)b (-)c, or a * b + c + 1, shifted right, saturated. */
    @Test
    void multipliesAndAdds() {
        Instructions all = new Instructions(device, "rrrr");
        Random random = new Random(6);
        for (int i = 0; i < 80; i++) {
            boolean a = random.nextBoolean(), b = random.nextBoolean(), sat = random.nextBoolean();
            int sign = random.nextInt(4), shift = new int[] {0, 7, 15}[random.nextInt(3)];
            String aPart = PARTS.get(random.nextInt(7)), bPart = PARTS.get(random.nextInt(7));
            boolean signed = a || b || sign == 1 || sign == 2;
            all.add("vmad%s%s%s%s%s%s %%0, %%1%s, %s%%2%s, %s%%3;".formatted(type(signed), type(a), type(b),
                    sign == 3 ? ".po" : "",
                    sat ? ".sat" : "", shift == 0 ? "" : ".shr" + shift, aPart, sign == 1 ? "-" : "", bPart,
                            sign == 2 ? "-" : "")
                    .transform(text -> "{ " + text + " }"), x -> {
                        BigInteger product = part(x[0], aPart, a).multiply(part(x[1], bPart, b)), c = number(x[2], 32,
                                signed);
                        BigInteger sum = switch (sign) {
                            case 1 -> c.subtract(product);
                            case 2 -> product.subtract(c);
                            case 3 -> product.add(c).add(BigInteger.ONE);
                            default -> product.add(c);
                        };
                        sum = sum.shiftRight(shift);
                        return low(sat ? clamp(sum, 32, signed) : sum);
                    });
        }
        all.check(Instructions.combinations(VALUES, VALUES, VALUES));
    }

    @Test
    void simd() {
        Random random = new Random(7);
        for (int lanes : new int[] {2, 4}) {
            int bits = 32 / lanes;
            Instructions all = new Instructions(device, "rrrr");
            for (String name : List.of("vadd", "vsub", "vabsdiff", "vmin", "vmax", "vavrg")) {
                for (int i = 0; i < 12; i++) {
                    boolean d = random.nextBoolean(), a = random.nextBoolean(), b = random.nextBoolean();
                    int kind = random.nextInt(3), mask = 1 + random.nextInt((1 << lanes) - 1);
                    int[] from = random.ints(2L * lanes, 0, 2 * lanes).toArray();
                    StringBuilder to = new StringBuilder(), left = new StringBuilder(), right = new StringBuilder();
                    for (int lane = lanes - 1; lane >= 0; lane--) {
                        to.append((mask >> lane & 1) != 0 ? "" + lane : "");
                        left.append(from[lane]);
                        right.append(from[lanes + lane]);
                    }
                    char letter = lanes == 4 ? 'b' : 'h';
                    String form = "{ .reg .b32 x; %s%d%s%s%s%s x.%c%s, %%1.%c%s, %%2.%c%s, %%3; mov.b32 %%0, x; }";
                    all.add(form.formatted(name, lanes,
                            type(d), type(a), type(b), kind == 1 ? ".sat" : kind == 2 ? ".add" : "", letter, to,
                                    letter, left, letter,
                            right), x -> {
                                long result = x[2];
                                for (int lane = 0; lane < lanes; lane++) {
                                    if ((mask >> lane & 1) == 0) {
                                        continue;
                                    }
                                    long both = x[0] | x[1] << 32;
                                    BigInteger t = combine(name, number(both >>> from[lane] * bits, bits, a),
                                            number(both >>> from[lanes + lane] * bits, bits, b));
                                    t = kind == 1 ? clamp(t, bits, d) : t;
                                    result = kind == 2 ? result + low(t) & 0xffffffffL
                                            : insert(result, "." + letter + lane, low(t));
                                }
                                return result;
                            });
                }
            }
            all.check(Instructions.combinations(VALUES, VALUES, new long[] {0, 0x01020304L, 0xffffffffL}));
        }
    }
}
