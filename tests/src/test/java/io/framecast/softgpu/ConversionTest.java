package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.BF16;
import static io.framecast.softgpu.FloatFormat.F16;
import static io.framecast.softgpu.FloatFormat.F32;
import static io.framecast.softgpu.FloatFormat.F64;
import static io.framecast.softgpu.FloatFormat.TF32;
import static java.math.RoundingMode.HALF_EVEN;

import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** cvt between all types: integer bits, rounding, overflow and NaN. */
class ConversionTest {

    private static final String[] MODES = {"rn", "rz", "rm", "rp"};
    private static final Map<String, FloatFormat> FORMATS = new TreeMap<>(
            Map.of("f16", F16, "bf16", BF16, "f32", F32, "f64", F64));
    private static final String[] INTEGERS = {"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"};

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private static int width(String type) {
        return type.endsWith("64") ? 64 : type.endsWith("32") ? 32 : type.endsWith("16") ? 16 : 8;
    }

    private static String register(int width) {
        return width == 64 ? "l" : width == 32 ? "r" : "h";
    }

    private static long mask(int width) {
        return width == 64 ? -1 : (1L << width) - 1;
    }

    /** The value of the lower bits. */
    private static BigInteger integer(long bits, String type) {
        int width = width(type);
        BigInteger value = BigInteger.valueOf(bits << 64 - width >> 64 - width);
        return type.startsWith("u") && value.signum() < 0 ? value.add(BigInteger.ONE.shiftLeft(width)) : value;
    }

    /** The value in a register, which may be wider than the type: sign- or zero-extended. */
    private static long stored(BigInteger value, String type, int register) {
        return integer(value.longValue(), type).longValue() & mask(register);
    }

    private static BigInteger clamp(BigInteger value, String type) {
        boolean signed = type.startsWith("s");
        BigInteger end = BigInteger.ONE.shiftLeft(width(type) - (signed ? 1 : 0));
        return value.max(signed ? end.negate() : BigInteger.ZERO).min(end.subtract(BigInteger.ONE));
    }

    private static long[] integers(int count) {
        return LongStream.concat(LongStream.range(0, 64).flatMap(i -> LongStream.of(1L << i, (1L << i) - 1, -(1L << i),
                (1L << i) + 1)), new Random(21).longs(count)).toArray();
    }

    @Test
    void cutsExtendsAndSaturatesIntegers() {
        long[] values = integers(50);
        for (String from : INTEGERS) {
            for (String register : new String[] {"h", "r", "l"}) {
                int bits = register.equals("h") ? 16 : register.equals("r") ? 32 : 64;
                Instructions[] to = {new Instructions(device, "h" + register), new Instructions(device, "r" + register),
                    new Instructions(device, "l" + register)};
                for (String type : INTEGERS) {
                    for (int i = 0; i < 3; i++) {
                        int wide = 16 << i;
                        if (bits >= width(from) && wide >= width(type)) {
                            to[i].add("cvt." + type + "." + from, x -> stored(integer(x[0], from), type, wide));
                            if (!contains(type, from)) {
                                to[i].add("cvt.sat." + type + "." + from,
                                        x -> stored(clamp(integer(x[0], from), type), type, wide));
                            }
                        }
                    }
                }
                if (bits >= width(from)) {
                    for (Instructions some : to) {
                        some.check(Instructions.combinations(Arrays.stream(values).map(x -> x & mask(bits)).toArray()));
                    }
                }
            }
        }
    }

    /** Whether all of {@code from} fits into {@code type}: then there is no .sat. */
    private static boolean contains(String type, String from) {
        BigInteger most = BigInteger.ONE.shiftLeft(width(from)), least = most.negate();
        return clamp(clamp(most, from), type).equals(clamp(most, from))
                && clamp(clamp(least, from), type).equals(clamp(least, from));
    }

    /**
     * Values of a format near the limits of integer types: each power of two with its neighbours and the halves beside
     * it.
     */
    private static long[] aroundIntegers(FloatFormat f) {
        Random random = new Random(22);
        DoubleStream powers = LongStream.rangeClosed(-3, 66).mapToDouble(i -> Math.scalb(1.0, (int) i));
        LongStream bits = powers.boxed().flatMapToLong(p -> {
            long at = f.round(p, HALF_EVEN);
            return LongStream.of(at, at + 1, Math.max(0, at - 1), f.round(p + 0.5, HALF_EVEN),
                    f.round(p - 0.5, HALF_EVEN), f.round(p + 1.5, HALF_EVEN), f.round(p - 1.5, HALF_EVEN),
                    f.round(p * 1.25 + 0.25, HALF_EVEN));
        }).flatMap(x -> LongStream.of(x, x ^ f.sign()));
        LongStream more = LongStream.generate(() -> f.random(random)).limit(300);
        return LongStream.concat(LongStream.concat(bits, Arrays.stream(f.edges())), more).toArray();
    }

    /** NaN becomes 0; but if f64 or a 64-bit type is involved, only the highest bit is set. */
    @Test
    void clampsFloatsToIntegers() {
        FORMATS.forEach((from, f) -> {
            for (String type : INTEGERS) {
                int register = Math.max(16, width(type));
                Instructions cvt = new Instructions(device, register(register) + register(f.width()));
                BigInteger nan = f == F64 || width(type) == 64 ? BigInteger.ONE.shiftLeft(width(type) - 1)
                        : BigInteger.ZERO;
                for (String mode : MODES) {
                    for (String ftz : f == F32 ? new String[] {"", ".ftz"} : new String[] {""}) {
                        cvt.add("cvt." + mode + "i" + ftz + "." + type + "." + from, x -> {
                            double value = f.value(ftz.isEmpty() ? x[0] : f.flush(x[0]));
                            BigInteger integer = Double.isNaN(value) ? nan
                                    : Double.isInfinite(value) ? BigInteger.valueOf((long) value).shiftLeft(2)
                                    : Exact.of(value).round(FloatFormat.mode(mode));
                            return stored(Double.isNaN(value) ? nan : clamp(integer, type), type, register);
                        });
                    }
                }
                cvt.check(Instructions.combinations(aroundIntegers(f)));
            }
        });
    }

    @Test
    void roundsIntegersToFloatsInEveryMode() {
        long[] values = integers(300);
        FORMATS.forEach((to, f) -> {
            for (String from : INTEGERS) {
                int register = Math.max(16, width(from));
                Instructions cvt = new Instructions(device, register(f.width()) + register(register));
                for (String name : MODES) {
                    RoundingMode mode = FloatFormat.mode(name);
                    cvt.add("cvt." + name + "." + to + "." + from,
                            x -> f.round(Exact.of(integer(x[0], from)), false, mode));
                    if (f != BF16) {
                        cvt.add("cvt." + name + ".sat." + to + "." + from,
                                x -> f.saturate(f.round(Exact.of(integer(x[0], from)), false, mode)));
                    }
                }
                cvt.check(Instructions.combinations(Arrays.stream(values).map(x -> x & mask(register)).toArray()));
            }
        });
    }

    /**
     * Values of a wider format: values of a narrower one, the midpoints of two of them, and the neighbours of
     * midpoints.
     */
    private static long[] around(FloatFormat wide, FloatFormat narrow) {
        Random random = new Random(23);
        long half = 1L << Math.max(0, wide.fractionBits() - narrow.fractionBits() - 1);
        LongStream edges = LongStream.concat(Arrays.stream(narrow.edges()),
                LongStream.generate(() -> narrow.random(random)).limit(400)).filter(x -> !narrow.isNan(x))
                .flatMap(x -> {
                    double value = narrow.value(x);
                    double next = narrow.value((x & narrow.nan()) == narrow.infinity() ? x : x + 1);
                    long at = wide.round(value, HALF_EVEN), middle = wide.round((value + next) / 2, HALF_EVEN);
                    return LongStream.of(at, at + 1, at + half, at + half - 1, at + half + 1, middle, middle + 1,
                            Math.max(middle - 1, 0));
                });
        LongStream more = LongStream.generate(() -> wide.random(random)).limit(300);
        return LongStream.concat(LongStream.concat(edges, Arrays.stream(wide.edges())), more)
                .map(x -> x & mask(wide.width())).toArray();
    }

    @Test
    void narrowsWithOneRounding() {
        narrow("f64", F64, "f32", F32);
        narrow("f64", F64, "f16", F16);
        narrow("f32", F32, "f16", F16);
        narrow("f32", F32, "bf16", BF16);
        narrow("f64", F64, "bf16", BF16);
    }

    private void narrow(String from, FloatFormat wide, String to, FloatFormat f) {
        Instructions cvt = new Instructions(device, register(f.width()) + register(wide.width()));
        String types = "." + to + "." + from;
        for (String name : MODES) {
            RoundingMode mode = FloatFormat.mode(name);
            cvt.add("cvt." + name + types, x -> f.round(wide.value(x[0]), mode));
            if (f != BF16) {
                cvt.add("cvt." + name + ".sat" + types, x -> f.saturate(f.round(wide.value(x[0]), mode)));
            }
            if (wide == F32) {
                cvt.add("cvt." + name + ".ftz" + types, x -> f.round(wide.value(wide.flush(x[0])), mode));
            } else if (f == F32) {
                cvt.add("cvt." + name + ".ftz" + types, x -> f.flush(f.round(wide.value(x[0]), mode)));
            }
        }
        if (wide == F32) {
            for (String name : new String[] {"rn", "rz"}) {
                RoundingMode mode = FloatFormat.mode(name);
                cvt.add("cvt." + name + ".relu" + types, x -> f.relu(f.round(wide.value(x[0]), mode)));
                cvt.add("cvt." + name + ".satfinite" + types, x -> finite(f, f.round(wide.value(x[0]), mode)));
            }
        }
        cvt.check(Instructions.combinations(around(wide, f)));
    }

    /** .satfinite: the largest finite number instead of infinity. */
    private static long finite(FloatFormat f, long bits) {
        return (bits & f.nan()) == f.infinity() ? bits - 1 : bits;
    }

    /** The value is in the upper bits of its register; tensor cores ignore the lower ones. */
    @Test
    void roundsTiesOfTf32AwayOrToEven() {
        Instructions cvt = new Instructions(device, "rr");
        LongUnaryOperator upper = bits -> TF32.anyNan(bits >> 13) << 13;
        for (String mode : new String[] {"rna", "rn", "rz"}) {
            cvt.add("cvt." + mode + ".tf32.f32", x -> TF32.round(F32.value(x[0]), FloatFormat.mode(mode)) << 13);
        }
        cvt.add("cvt.rn.relu.tf32.f32", x -> TF32.relu(TF32.round(F32.value(x[0]), HALF_EVEN)) << 13);
        cvt.check(Instructions.combinations(around(F32, TF32)), upper);
    }

    @Test
    void widensExactly() {
        long[] halves = LongStream.range(0, 1 << 16).toArray();
        Instructions single = new Instructions(device, "rh"), twice = new Instructions(device, "lh");
        for (String name : new String[] {"f16", "bf16"}) {
            FloatFormat f = FORMATS.get(name);
            single.add("cvt.f32." + name, x -> F32.round(f.value(x[0]), HALF_EVEN));
            single.add("cvt.sat.f32." + name, x -> F32.saturate(F32.round(f.value(x[0]), HALF_EVEN)));
            single.add("cvt.ftz.f32." + name, x -> F32.flush(F32.round(f.value(x[0]), HALF_EVEN)));
            twice.add("cvt.f64." + name, x -> F64.round(f.value(x[0]), HALF_EVEN));
        }
        single.check(Instructions.combinations(halves), F32::anyNan);
        twice.check(Instructions.combinations(halves), F64::anyNan);
        Instructions wider = new Instructions(device, "lr");
        wider.add("cvt.f64.f32", x -> F64.round(F32.value(x[0]), HALF_EVEN));
        wider.add("cvt.ftz.f64.f32", x -> F64.round(F32.value(F32.flush(x[0])), HALF_EVEN));
        wider.check(Instructions.operands(F32, 1), F64::anyNan);
    }

    @Test
    void roundsToIntegralValues() {
        FORMATS.forEach((type, f) -> {
            if (f == BF16) {
                return;
            }
            Instructions cvt = new Instructions(device, register(f.width()).repeat(2));
            for (String name : MODES) {
                LongUnaryOperator round = x -> {
                    double value = f.value(x);
                    if (!Double.isFinite(value)) {
                        return f.round(value, HALF_EVEN);
                    }
                    BigInteger integer = Exact.of(value).round(FloatFormat.mode(name));
                    return f.round(Exact.of(integer), f.isNegative(x), HALF_EVEN);
                };
                String types = "." + type + "." + type;
                cvt.add("cvt." + name + "i" + types, x -> round.applyAsLong(x[0]));
                cvt.add("cvt." + name + "i.sat" + types, x -> f.saturate(round.applyAsLong(x[0])));
                if (f == F32) {
                    cvt.add("cvt." + name + "i.ftz" + types, x -> round.applyAsLong(f.flush(x[0])));
                }
            }
            cvt.check(Instructions.combinations(aroundIntegers(f)), f::anyNan);
        });
    }

    @Test
    void packsTheFirstIntoTheUpperHalf() {
        Instructions pack = new Instructions(device, "rrr");
        for (String name : new String[] {"f16", "bf16"}) {
            FloatFormat f = FORMATS.get(name);
            for (String mode : new String[] {"rn", "rz"}) {
                LongUnaryOperator half = x -> f.round(F32.value(x), FloatFormat.mode(mode));
                pack.add("cvt." + mode + "." + name + "x2.f32",
                        x -> half.applyAsLong(x[0]) << 16 | half.applyAsLong(x[1]));
                pack.add("cvt." + mode + ".relu." + name + "x2.f32",
                        x -> f.relu(half.applyAsLong(x[0])) << 16 | f.relu(half.applyAsLong(x[1])));
            }
        }
        for (String type : new String[] {"u16", "s16"}) {
            pack.add("cvt.pack.sat." + type + ".s32", x -> stored(clamp(integer(x[0], "s32"), type), type, 16) << 16
                    | stored(clamp(integer(x[1], "s32"), type), type, 16));
        }
        long[] values = Arrays.copyOf(around(F32, F16), 600);
        long[] others = around(F32, BF16);
        long[][] cases = new long[values.length][];
        Arrays.setAll(cases, i -> new long[] {values[i], others[i]});
        pack.check(Instructions.join(cases, Instructions.operands(F32, 2)));
        Instructions bytes = new Instructions(device, "rrrr");
        for (String type : new String[] {"u8", "s8"}) {
            bytes.add("cvt.pack.sat." + type + ".s32.b32", x -> x[2] << 16 & 0xffff0000L
                    | (stored(clamp(integer(x[0], "s32"), type), type, 16) & 0xff) << 8
                    | stored(clamp(integer(x[1], "s32"), type), type, 16) & 0xff);
        }
        long[] words = Arrays.stream(integers(0)).map(x -> x & mask(32)).toArray();
        bytes.check(Instructions.combinations(words, new long[] {0, 127, 128, 255, 256, mask(32), 0x80000000L},
                new long[] {0xabcd1234L}));
    }
}
