package io.framecast.softgpu;

import static java.math.BigInteger.ONE;
import static java.math.BigInteger.ZERO;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Map;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Integer arithmetic, logic, shifts and bit fields of all widths: against BigInteger and the manual's pseudo-code. */
class IntegerTest {

    private static final long WORD = 0xffffffffL;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private final Random random = new Random(1);

    /** The edges of a width, both around 0 and where signs change, and some random values. */
    private long[] values(int width, int count) {
        long[] edges = {0, 1, 2, 3, 7, -1, -2, -3, -7, 1L << width - 1, (1L << width - 1) - 1, (1L << width - 1) + 1,
            0x5555555555555555L, 0xaaaaaaaaaaaaaaaaL, 0xff800000L, 0x7fffffL, 0xffffL, 0x8000L};
        return LongStream.concat(Arrays.stream(edges), random.longs(count)).map(x -> x & mask(width)).toArray();
    }

    private static long mask(int width) {
        return width == 64 ? -1 : (1L << width) - 1;
    }

    private static long signed(long x, int width) {
        return x << 64 - width >> 64 - width;
    }

    private static BigInteger big(long x, int width, boolean signed) {
        BigInteger number = BigInteger.valueOf(signed(x, width));
        return signed || number.signum() >= 0 ? number : number.add(ONE.shiftLeft(width));
    }

    private static long low(BigInteger x, int width) {
        return x.longValue() & mask(width);
    }

    private static BigInteger clamp(BigInteger x, int width) {
        BigInteger end = ONE.shiftLeft(width - 1);
        return x.max(end.negate()).min(end.subtract(ONE));
    }

    private static String registers(int width, int count) {
        return (width == 16 ? "h" : width == 32 ? "r" : "l").repeat(count);
    }

    private static String type(int width, boolean signed) {
        return (signed ? ".s" : ".u") + width;
    }

    private interface Binary {
        BigInteger of(BigInteger a, BigInteger b);
    }

    @Test
    void wrapsAroundInEveryWidth() {
        for (int width : new int[] {16, 32, 64}) {
            Instructions two = new Instructions(device, registers(width, 3));
            Instructions one = new Instructions(device, registers(width, 2));
            for (boolean signed : new boolean[] {false, true}) {
                String type = type(width, signed);
                binary(two, "add" + type, width, signed, BigInteger::add);
                binary(two, "sub" + type, width, signed, BigInteger::subtract);
                binary(two, "mul.lo" + type, width, signed, BigInteger::multiply);
                binary(two, "mul.hi" + type, width, signed, (a, b) -> a.multiply(b).shiftRight(width));
                binary(two, "min" + type, width, signed, BigInteger::min);
                binary(two, "max" + type, width, signed, BigInteger::max);
            }
            one.add("neg.s" + width, x -> -x[0] & mask(width));
            one.add("abs.s" + width, x -> Math.abs(signed(x[0], width)) & mask(width));
            one.add("not.b" + width, x -> ~x[0] & mask(width));
            one.add("cnot.b" + width, x -> x[0] == 0 ? 1 : 0);
            two.add("and.b" + width, x -> x[0] & x[1]);
            two.add("or.b" + width, x -> x[0] | x[1]);
            two.add("xor.b" + width, x -> x[0] ^ x[1]);
            long[] values = values(width, 12);
            two.check(Instructions.combinations(values, values));
            one.check(Instructions.combinations(values));
        }
    }

    private static void binary(Instructions to, String ptx, int width, boolean signed, Binary op) {
        to.add(ptx, x -> low(op.of(big(x[0], width, signed), big(x[1], width, signed)), width));
    }

    @Test
    void multipliesAndAddsTheHalfOfTheProductThatItNames() {
        for (int width : new int[] {16, 32, 64}) {
            Instructions mad = new Instructions(device, registers(width, 4));
            Instructions wide = new Instructions(device, registers(width == 16 ? 32 : 64, 1) + registers(width, 2));
            Instructions madWide = new Instructions(device, registers(width == 16 ? 32 : 64, 1) + registers(width, 2)
                    + registers(width == 16 ? 32 : 64, 1));
            for (boolean signed : new boolean[] {false, true}) {
                String type = type(width, signed);
                ternary(mad, "mad.lo" + type, width, signed, BigInteger::multiply);
                ternary(mad, "mad.hi" + type, width, signed, (a, b) -> a.multiply(b).shiftRight(width));
                ternary(mad, "sad" + type, width, signed, (a, b) -> a.subtract(b).abs());
                wide.add("mul.wide" + type, x -> low(big(x[0], width, signed).multiply(big(x[1], width, signed)),
                        2 * width));
                madWide.add("mad.wide" + type, x -> low(big(x[0], width, signed).multiply(big(x[1], width, signed))
                        .add(BigInteger.valueOf(x[2])), 2 * width));
            }
            long[] values = values(width, 0);
            mad.check(Instructions.combinations(values, values, values));
            if (width < 64) {
                wide.check(Instructions.combinations(values, values));
                madWide.check(Instructions.combinations(values, values, values(2 * width, 3)));
            }
        }
    }

    private static void ternary(Instructions to, String ptx, int width, boolean signed, Binary op) {
        to.add(ptx, x -> low(op.of(big(x[0], width, signed), big(x[1], width, signed)).add(big(x[2], width, signed)),
                width));
    }

    @Test
    void multipliesTheLower24Bits() {
        Instructions two = new Instructions(device, "rrr");
        Instructions three = new Instructions(device, "rrrr");
        for (boolean signed : new boolean[] {false, true}) {
            Binary product = (a, b) -> big(a.longValue(), 24, signed).multiply(big(b.longValue(), 24, signed));
            Binary high = (a, b) -> big(product.of(a, b).shiftRight(16).longValue(), 32, signed);
            String type = type(32, signed);
            binary(two, "mul24.lo" + type, 32, signed, product);
            binary(two, "mul24.hi" + type, 32, signed, high);
            ternary(three, "mad24.lo" + type, 32, signed, product);
            ternary(three, "mad24.hi" + type, 32, signed, high);
            if (signed) {
                three.add("mad24.hi.sat.s32", x -> low(clamp(high.of(big(x[0], 32, true), big(x[1], 32, true))
                        .add(big(x[2], 32, true)), 32), 32));
            }
        }
        long[] values = values(32, 2);
        two.check(Instructions.combinations(values, values));
        three.check(Instructions.combinations(values, values, values));
    }

    @Test
    void saturatesWhereAskedTo() {
        long[] values = values(32, 4);
        Instructions two = new Instructions(device, "rrr");
        two.add("add.sat.s32", x -> low(clamp(big(x[0], 32, true).add(big(x[1], 32, true)), 32), 32));
        two.add("sub.sat.s32", x -> low(clamp(big(x[0], 32, true).subtract(big(x[1], 32, true)), 32), 32));
        two.check(Instructions.combinations(values, values));
        Instructions three = new Instructions(device, "rrrr");
        three.add("mad.hi.sat.s32", x -> low(clamp(big(x[0], 32, true).multiply(big(x[1], 32, true)).shiftRight(32)
                .add(big(x[2], 32, true)), 32), 32));
        three.check(Instructions.combinations(values, values, values));
    }

    /** The manual does not define division by zero: devices return all ones, and the dividend as the remainder. */
    @Test
    void dividesByZeroAndTheLeastNumberByMinusOne() {
        for (int width : new int[] {16, 32, 64}) {
            Instructions two = new Instructions(device, registers(width, 3));
            for (boolean signed : new boolean[] {false, true}) {
                two.add("div" + type(width, signed), x -> x[1] == 0 ? mask(width)
                        : low(big(x[0], width, signed).divide(big(x[1], width, signed)), width));
                two.add("rem" + type(width, signed), x -> x[1] == 0 ? x[0]
                        : low(big(x[0], width, signed).remainder(big(x[1], width, signed)), width));
            }
            long[] values = values(width, 12);
            two.check(Instructions.combinations(values, values));
        }
    }

    @Test
    void carriesAlongChains() {
        String split = "{ .reg .u32 a<4>, b<4>, d<6>; .reg .u64 lo, hi; "
                + "mov.b64 {a0, a1}, %1; mov.b64 {a2, a3}, %2; mov.b64 {b0, b1}, %3; mov.b64 {b2, b3}, %4; ";
        String low = " mov.b64 %0, {d0, d1}; }", high = " mov.b64 %0, {d2, d3}; }", carry = " cvt.u64.u32 %0, d4; }";
        String add = "add.cc.u32 d0, a0, b0; addc.cc.u32 d1, a1, b1; addc.cc.u32 d2, a2, b2; "
                + "addc.cc.u32 d3, a3, b3; addc.u32 d4, 0, 0;";
        String sub = "sub.cc.u32 d0, a0, b0; subc.cc.u32 d1, a1, b1; subc.cc.u32 d2, a2, b2; "
                + "subc.cc.u32 d3, a3, b3; subc.u32 d4, 0, 0;";
        // The 128-bit product of the lower halves.
        String mul = "mul.lo.u32 d0, a0, b0; mul.hi.u32 d1, a0, b0; mad.lo.cc.u32 d1, a0, b1, d1; "
                + "madc.hi.u32 d2, a0, b1, 0; mad.lo.cc.u32 d1, a1, b0, d1; madc.hi.cc.u32 d2, a1, b0, d2; "
                + "addc.u32 d3, 0, 0; mad.lo.cc.u32 d2, a1, b1, d2; madc.hi.u32 d3, a1, b1, d3;";
        String wide = "{ .reg .u64 lo, hi; ";
        Binary product = (a, b) -> a.mod(ONE.shiftLeft(64)).multiply(b.mod(ONE.shiftLeft(64)));
        Instructions chains = new Instructions(device, "lllll");
        chain(chains, split + add + low, 0, BigInteger::add);
        chain(chains, split + add + high, 64, BigInteger::add);
        chain(chains, split + add + carry, 128, BigInteger::add);
        chain(chains, split + sub + low, 0, BigInteger::subtract);
        chain(chains, split + sub + high, 64, BigInteger::subtract);
        chains.add(split + sub + carry, x -> number(x, 0).compareTo(number(x, 2)) < 0 ? WORD : 0);
        chain(chains, split + mul + low, 0, product);
        chain(chains, split + mul + high, 64, product);
        chain(chains, wide + "add.cc.u64 lo, %1, %3; addc.u64 %0, %2, %4; }", 64, BigInteger::add);
        chain(chains, wide + "sub.cc.s64 lo, %1, %3; subc.s64 %0, %2, %4; }", 64, BigInteger::subtract);
        chain(chains, wide + "mul.hi.u64 hi, %1, %3; mad.lo.cc.u64 lo, %1, %3, %2; madc.hi.u64 %0, %1, %3, 0; }", 64,
                (a, b) -> product.of(a, b).add(a.shiftRight(64)));
        // The carry is kept across instructions that neither read nor set it.
        chain(chains, wide + "add.cc.u64 lo, %1, %3; add.u64 lo, lo, 1; mul.lo.u64 lo, lo, %2; "
                + "addc.u64 %0, %2, %4; }", 64, BigInteger::add);
        long[] values = {0, 1, -1, WORD, WORD + 1, -WORD, 1L << 63, random.nextLong()};
        chains.check(Instructions.combinations(values, values, values, values));
    }

    /**
     * There is one flag for sums and differences: the carry of a + b, and of a + ~b + 1, so that it is set where
     * nothing was borrowed. NVIDIA's ptxas evaluates constants so: {@code sub.cc.u32 d, 7, 5; addc.u32 d, 10, 0;}
     * gives 11.
     */
    @Test
    void sumsAndDifferencesShareOneCarry() {
        for (int width : new int[] {32, 64}) {
            BigInteger range = ONE.shiftLeft(width);
            Map<String, Binary> setters = Map.of("add.cc.u", BigInteger::add,
                    "sub.cc.u", (a, b) -> a.subtract(b).add(range),
                    "mad.lo.cc.u", (a, b) -> a.multiply(b).mod(range).add(b),
                    "mad.hi.cc.u", (a, b) -> a.multiply(b).shiftRight(width).add(b));
            Map<String, Binary> takers = Map.of("addc.u", BigInteger::add,
                    "subc.u", (a, b) -> a.subtract(b).subtract(ONE),
                    "madc.lo.u", (a, b) -> a.multiply(b).add(b),
                    "madc.hi.u", (a, b) -> a.multiply(b).shiftRight(width).add(b));
            Instructions all = new Instructions(device, registers(width, 5));
            setters.forEach((set, first) -> takers.forEach((take, second) -> all.add(
                    "{ .reg .u%d x; %s x, %%1, %%2%s; %s %%0, %%3, %%4%s; }".formatted(width, set + width,
                            set.startsWith("m") ? ", %2" : "", take + width, take.startsWith("m") ? ", %4" : ""),
                    x -> {
                        BigInteger sum = first.of(big(x[0], width, false), big(x[1], width, false));
                        BigInteger next = second.of(big(x[2], width, false), big(x[3], width, false));
                        return low(next.add(sum.shiftRight(width)), width);
                    })));
            long[] few = {0, 1, 5, mask(width), mask(width) - 1, 1L << width - 1 & mask(width),
                    random.nextLong() & mask(width)};
            all.check(Instructions.combinations(few, few, few, few));
        }
    }

    private static BigInteger number(long[] x, int from) {
        return big(x[from + 1], 64, false).shiftLeft(64).add(big(x[from], 64, false));
    }

    private static void chain(Instructions to, String ptx, int shift, Binary op) {
        to.add(ptx, x -> op.of(number(x, 0), number(x, 2)).shiftRight(shift).longValue());
    }

    @Test
    void clampsShiftsPastTheWidth() {
        long[] amounts = {0, 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 255, 256, 1L << 31, WORD};
        for (int width : new int[] {16, 32, 64}) {
            Instructions shifts = new Instructions(device, registers(width, 2) + "r");
            shifts.add("shl.b" + width, x -> x[1] >= width ? 0 : x[0] << x[1] & mask(width));
            shifts.add("shr.b" + width, x -> x[1] >= width ? 0 : x[0] >>> x[1]);
            shifts.add("shr.u" + width, x -> x[1] >= width ? 0 : x[0] >>> x[1]);
            shifts.add("shr.s" + width, x -> signed(x[0], width) >> Math.min(x[1], 63) & mask(width));
            shifts.check(Instructions.combinations(values(width, 6), amounts));
        }
        Instructions funnel = new Instructions(device, "rrrr");
        funnel.add("shf.l.clamp.b32", x -> x[2] >= 32 ? x[0] : (x[1] << 32 | x[0]) << x[2] >>> 32);
        funnel.add("shf.r.clamp.b32", x -> x[2] >= 32 ? x[1] : (x[1] << 32 | x[0]) >>> x[2] & WORD);
        funnel.add("shf.l.wrap.b32", x -> (x[1] << 32 | x[0]) << (x[2] & 31) >>> 32);
        funnel.add("shf.r.wrap.b32", x -> (x[1] << 32 | x[0]) >>> (x[2] & 31) & WORD);
        funnel.check(Instructions.combinations(values(32, 2), values(32, 2), amounts));
    }

    @Test
    void extractsAndInsertsFieldsAtTheEdges() {
        long[] places = {0, 1, 5, 8, 30, 31, 32, 33, 62, 63, 64, 65, 200, 255, 256, 257, 0x10020, WORD};
        for (int width : new int[] {32, 64}) {
            Instructions extract = new Instructions(device, registers(width, 2) + "rr");
            extract.add("bfe.u" + width, x -> extract(x, width, false));
            extract.add("bfe.s" + width, x -> extract(x, width, true));
            extract.check(Instructions.combinations(values(width, 2), places, places));
            long[] some = Arrays.copyOf(values(width, 0), 15);
            new Instructions(device, registers(width, 3) + "rr").add("bfi.b" + width, x -> {
                long position = x[2] & 0xff, length = x[3] & 0xff, d = x[1];
                for (int i = 0; i < length && position + i < width; i++) {
                    d = d & ~(1L << position + i) | (x[0] >>> i & 1) << position + i;
                }
                return d;
            }).check(Instructions.combinations(Arrays.copyOfRange(some, 9, 15), Arrays.copyOfRange(some, 4, 14), places,
                    places));
        }
    }

    private static long extract(long[] x, int width, boolean signed) {
        long position = x[1] & 0xff, length = x[2] & 0xff, d = 0;
        long sign = !signed || length == 0 ? 0 : x[0] >>> Math.min(position + length - 1, width - 1) & 1;
        for (int i = 0; i < width; i++) {
            d |= (i < length && position + i < width ? x[0] >>> position + i & 1 : sign) << i;
        }
        return d;
    }

    @Test
    void masksAndExtendsFromTheBitItNames() {
        long[] places = {0, 1, 2, 15, 30, 31, 32, 33, 40, 63, 64, 255, WORD};
        Instructions two = new Instructions(device, "rrr");
        for (String mode : new String[] {".clamp", ".wrap"}) {
            boolean clamps = mode.equals(".clamp");
            two.add("bmsk" + mode + ".b32", x -> {
                long from = clamps ? Math.min(x[0], 32) : x[0] & 31;
                long to = from + (clamps ? Math.min(x[1], 32) : x[1] & 31);
                return mask(32) & (to >= 32 ? -1 : mask((int) to)) & -(1L << from);
            });
            for (boolean signed : new boolean[] {false, true}) {
                two.add("szext" + mode + type(32, signed), x -> {
                    int bits = (int) (clamps ? Math.min(x[1], 32) : x[1] & 31);
                    return bits == 0 ? 0 : (signed ? signed(x[0], bits) : x[0] & mask(bits)) & WORD;
                });
            }
        }
        two.check(Instructions.combinations(values(32, 4), places));
        two.check(Instructions.combinations(places, places));
    }

    @Test
    void permutesBytesByEveryMode() {
        // The bytes of d from the highest, for selectors 0 to 3: the manual's table.
        String[][] modes = {
            {"f4e", "3210", "4321", "5432", "6543"}, {"b4e", "5670", "6701", "7012", "0123"},
            {"rc8", "0000", "1111", "2222", "3333"}, {"ecl", "3210", "3211", "3222", "3333"},
            {"ecr", "0000", "1110", "2210", "3210"}, {"rc16", "1010", "3232", "1010", "3232"}};
        Instructions permute = new Instructions(device, "rrrr");
        for (String[] mode : modes) {
            permute.add("prmt.b32." + mode[0], x -> {
                long d = 0;
                for (char from : mode[1 + (int) (x[2] & 3)].toCharArray()) {
                    d = d << 8 | (x[1] << 32 | x[0]) >>> 8 * (from - '0') & 0xff;
                }
                return d;
            });
        }
        permute.add("prmt.b32", x -> {
            long d = 0;
            for (int i = 3; i >= 0; i--) {
                long select = x[2] >>> 4 * i & 15, from = (x[1] << 32 | x[0]) >>> 8 * (select & 7) & 0xff;
                d = d << 8 | (select < 8 ? from : from >= 0x80 ? 0xff : 0);
            }
            return d;
        });
        long[] selectors = LongStream.concat(LongStream.of(0, 1, 2, 3, 0x7654, 0x3210, 0xfedc, 0xba98, 0x12340123L,
                0xfffffffeL), random.longs(60)).map(x -> x & WORD).toArray();
        permute.check(Instructions.combinations(new long[] {0x83027f80L, 0x03020100L}, new long[] {0xf7068504L},
                selectors));
    }

    @Test
    void looksLogicUpInTheTable() {
        int[] tables = new Random(2).ints(60, 0, 256).toArray();
        System.arraycopy(new int[] {0, 0xff, 0xf0, 0xcc, 0xaa, 0x96, 0xe8, 0x80, 0xfe}, 0, tables, 0, 9);
        Instructions lop3 = new Instructions(device, "rrrr");
        for (int table : tables) {
            lop3.add("{ lop3.b32 %0, %1, %2, %3, " + table + "; }", x -> {
                long d = 0;
                for (int i = 0; i < 32; i++) {
                    long index = (x[0] >>> i & 1) << 2 | (x[1] >>> i & 1) << 1 | x[2] >>> i & 1;
                    d |= (long) (table >> index & 1) << i;
                }
                return d;
            });
        }
        lop3.check(new long[][] {{0xf0f0f0f0L, 0xccccccccL, 0xaaaaaaaaL}, {0x12345678L, 0xdeadbeefL, 0x0badf00dL}});

        // With a predicate p = (d != 0) op q, in bit 31 of the result; 0x80 is and.
        Instructions predicate = new Instructions(device, "rrrr");
        for (String d : List.of("d", "_")) {
            for (boolean not : new boolean[] {false, true}) {
                for (boolean and : new boolean[] {false, true}) {
                    predicate.add("{ .reg .pred p, q; .reg .b32 d, h; mov.b32 d, 0; setp.ne.u32 q, %3, 0; lop3."
                            + (and ? "and" : "or") + ".b32 " + d + "|p, %1, %2, 7, 0x80, " + (not ? "!q" : "q")
                            + "; selp.b32 h, 0x80000000, 0, p; or.b32 %0, d, h; }", x -> {
                        long value = x[0] & x[1] & 7;
                        boolean q = x[2] != 0 ^ not;
                        boolean p = and ? value != 0 && q : value != 0 || q;
                        return (d.equals("d") ? value : 0) | (p ? 1L << 31 : 0);
                    });
                }
            }
        }
        predicate.check(Instructions.combinations(new long[] {0, 5, 8}, new long[] {4, 2, 0xffffffffL},
                new long[] {0, 1}));
    }

    @Test
    void countsAndFindsBits() {
        for (int width : new int[] {32, 64}) {
            LongStream single = LongStream.range(0, width).map(i -> 1L << i)
                    .flatMap(x -> LongStream.of(x, mask(width) - x));
            long[] values = LongStream.concat(Arrays.stream(values(width, 20)), single).toArray();
            Instructions counts = new Instructions(device, "r" + registers(width, 1));
            counts.add("popc.b" + width, x -> count(x[0], width));
            counts.add("clz.b" + width, x -> width - 1 - highest(x[0], width));
            for (boolean signed : new boolean[] {false, true}) {
                counts.add("bfind" + type(width, signed), x -> highest(apart(x[0], width, signed), width) & WORD);
                counts.add("bfind.shiftamt" + type(width, signed), x -> {
                    long found = highest(apart(x[0], width, signed), width);
                    return found < 0 ? WORD : width - 1 - found;
                });
            }
            counts.check(Instructions.combinations(values));
            new Instructions(device, registers(width, 2)).add("brev.b" + width, x -> {
                long d = 0;
                for (int i = 0; i < width; i++) {
                    d |= (x[0] >>> i & 1) << width - 1 - i;
                }
                return d;
            }).check(Instructions.combinations(values));
        }
        new Instructions(device, "rrrr").add("fns.b32", x -> {
            int base = (int) x[1], offset = (int) x[2], left = Math.abs(offset);
            if (offset == 0) {
                return (x[0] >>> base & 1) != 0 ? base : WORD;
            }
            for (int at = base; at >= 0 && at < 32; at += offset < 0 ? -1 : 1) {
                if ((x[0] >>> at & 1) != 0 && --left == 0) {
                    return at;
                }
            }
            return WORD;
        }).check(Instructions.combinations(values(32, 4), new long[] {0, 1, 15, 16, 31},
                new long[] {0, 1, 2, 3, 31, 32, 33, WORD, WORD - 1, WORD - 15, WORD - 31}));
    }

    private static long count(long x, int width) {
        long set = 0;
        for (int i = 0; i < width; i++) {
            set += x >>> i & 1;
        }
        return set;
    }

    /** -1 where none is set. */
    private static long highest(long x, int width) {
        for (int i = width - 1; i >= 0; i--) {
            if ((x >>> i & 1) != 0) {
                return i;
            }
        }
        return -1;
    }

    /** The bits that differ from the sign. */
    private static long apart(long x, int width, boolean signed) {
        return signed && signed(x, width) < 0 ? ~x & mask(width) : x;
    }

    @Test
    void sumsProductsOfBytesOfEitherSign() {
        Instructions products = new Instructions(device, "rrrr");
        for (boolean a : new boolean[] {false, true}) {
            for (boolean b : new boolean[] {false, true}) {
                products.add("dp4a" + type(32, a) + type(32, b), x -> dot(x, 4, 0, a, b));
                products.add("dp2a.lo" + type(32, a) + type(32, b), x -> dot(x, 2, 0, a, b));
                products.add("dp2a.hi" + type(32, a) + type(32, b), x -> dot(x, 2, 2, a, b));
            }
        }
        long[] values = {0, 0x80808080L, 0x7f7f7f7fL, WORD, 0x01ff807fL, 0x80007fffL, 0x12c4e678L, 0x9badf00dL};
        products.check(Instructions.combinations(values, values, values));
    }

    private static long dot(long[] x, int count, int first, boolean signedA, boolean signedB) {
        long sum = x[2];
        for (int i = 0; i < count; i++) {
            int width = 32 / count;
            long a = x[0] >>> i * width & mask(width), b = x[1] >>> 8 * (first + i) & 0xff;
            sum += (signedA ? signed(a, width) : a) * (signedB ? signed(b, 8) : b);
        }
        return sum & WORD;
    }

    @Test
    void worksOnBothHalves() {
        Instructions packed = new Instructions(device, "rrr");
        for (boolean signed : new boolean[] {false, true}) {
            String type = type(16, signed) + "x2";
            halves(packed, "add" + type, signed, BigInteger::add);
            halves(packed, "min" + type, signed, BigInteger::min);
            halves(packed, "max" + type, signed, BigInteger::max);
        }
        // The manual writes .relu before the type, CUDA's headers after it.
        for (String form : new String[] {".relu%s", "%s.relu"}) {
            halves(packed, "min" + form.formatted(".s16x2"), true, (a, b) -> a.min(b).max(ZERO));
            halves(packed, "max" + form.formatted(".s16x2"), true, (a, b) -> a.max(b).max(ZERO));
            binary(packed, "min" + form.formatted(".s32"), 32, true, (a, b) -> a.min(b).max(ZERO));
            binary(packed, "max" + form.formatted(".s32"), 32, true, (a, b) -> a.max(b).max(ZERO));
        }
        long[] values = LongStream.concat(Arrays.stream(values(32, 20)),
                LongStream.of(0x80007fffL, 0x7fff8000L, 0xffff0001L, 0x0001ffffL)).toArray();
        packed.check(Instructions.combinations(values, values));
    }

    private static void halves(Instructions to, String ptx, boolean signed, Binary op) {
        to.add(ptx, x -> {
            long lower = low(op.of(big(x[0] & 0xffff, 16, signed), big(x[1] & 0xffff, 16, signed)), 16);
            return low(op.of(big(x[0] >>> 16, 16, signed), big(x[1] >>> 16, 16, signed)), 16) << 16 | lower;
        });
    }

    @Test
    void comparesBySignednessAndCombines() {
        for (int width : new int[] {16, 32, 64}) {
            Instructions compare = new Instructions(device, "r" + registers(width, 2));
            for (boolean signed : new boolean[] {false, true}) {
                for (String op : new String[] {"eq", "ne", "lt", "le", "gt", "ge"}) {
                    setp(compare, op, width, signed, op);
                }
            }
            String[][] unsigned = {{"lo", "lt"}, {"ls", "le"}, {"hi", "gt"}, {"hs", "ge"}};
            for (String[] op : unsigned) {
                setp(compare, op[0], width, false, op[1]);
            }
            long[] values = values(width, 4);
            compare.check(Instructions.combinations(values, values));
        }
    }

    /** Bit 0: a op b; bits 1 and 2: p and q of it combined with a predicate; the others: what set makes of it. */
    private static void setp(Instructions to, String op, int width, boolean signed, String meaning) {
        String type = type(width, signed);
        for (String with : new String[] {"and", "or", "xor"}) {
            to.add(("{ .reg .pred c, p, q, r; .reg .u32 t, s; setp.eq.%1$s c, %%1, %%1; setp.lo.u%4$d c, %%2, 5; "
                    + "setp.%2$s.%1$s r, %%1, %%2; setp.%2$s.%3$s.%1$s p|q, %%1, %%2, !c; "
                    + "selp.u32 %%0, 1, 0, r; selp.u32 t, 2, 0, p; or.b32 %%0, %%0, t; selp.u32 t, 4, 0, q; "
                    + "or.b32 %%0, %%0, t; set.%2$s.%3$s.u32.%1$s s, %%1, %%2, c; and.b32 s, s, 0xfffffff8; "
                    + "or.b32 %%0, %%0, s; }").formatted(type.substring(1), op, with, width), x -> {
                        int order = big(x[0], width, signed).compareTo(big(x[1], width, signed));
                        boolean c = x[1] < 5 && x[1] >= 0;
                        boolean r = switch (meaning) {
                            case "eq" -> order == 0;
                            case "ne" -> order != 0;
                            case "lt" -> order < 0;
                            case "le" -> order <= 0;
                            case "gt" -> order > 0;
                            default -> order >= 0;
                        };
                        return (r ? 1 : 0) | (combine(with, r, !c) ? 2 : 0) | (combine(with, !r, !c) ? 4 : 0)
                                | (combine(with, r, c) ? 0xfffffff8L : 0);
                    });
        }
    }

    private static boolean combine(String with, boolean t, boolean c) {
        return with.equals("and") ? t & c : with.equals("or") ? t | c : t ^ c;
    }

    @Test
    void selectsBySign() {
        Instructions select = new Instructions(device, "llll");
        select.add("{ .reg .s32 c; cvt.u32.u64 c, %3; slct.u64.s32 %0, %1, %2, c; }",
                x -> (int) x[2] >= 0 ? x[0] : x[1]);
        select.add("{ .reg .pred p; setp.ne.u64 p, %3, 0; selp.b64 %0, %1, %2, p; }", x -> x[2] != 0 ? x[0] : x[1]);
        select.check(Instructions.combinations(new long[] {-1, 5}, new long[] {1L << 63, 7},
                new long[] {0, 1, WORD, 0x7fffffff, 0x80000000L, 1L << 32}));
    }
}
