package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.F32;
import static io.framecast.softgpu.FloatFormat.F64;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Arithmetic and comparison of f32 and f64: rounded once from the exact result in each rounding mode, and the
 * approximating functions within the bounds of the manual.
 */
class FloatTest {

    private static final String[] MODES = {"rn", "rz", "rm", "rp"};

    /** The manual does not specify the NaN: f32 gives the device's NaN, f64 may keep a payload. */
    private static final LongUnaryOperator ANY_NAN64 = F64::anyNan;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private interface Rounded {
        long of(FloatFormat format, RoundingMode mode, long[] x);
    }

    /** All rounding modes of an f32 instruction, with .ftz, and with .sat where it has that. */
    private static void add(Instructions to, String opcode, boolean sat, Rounded op) {
        for (String name : MODES) {
            RoundingMode mode = FloatFormat.mode(name);
            ToLongFunction<long[]> plain = x -> op.of(F32, mode, x);
            ToLongFunction<long[]> ftz = x -> F32.flush(op.of(F32, mode, Arrays.stream(x).map(F32::flush).toArray()));
            to.add(opcode + "." + name + ".f32", plain);
            to.add(opcode + "." + name + ".ftz.f32", ftz);
            if (sat) {
                to.add(opcode + "." + name + ".sat.f32", x -> F32.saturate(plain.applyAsLong(x)));
                to.add(opcode + "." + name + ".ftz.sat.f32", x -> F32.saturate(ftz.applyAsLong(x)));
            }
        }
    }

    private static void add64(Instructions to, String opcode, Rounded op) {
        for (String name : MODES) {
            to.add(opcode + "." + name + ".f64", x -> op.of(F64, FloatFormat.mode(name), x));
        }
    }

    @Test
    void roundsSumsAndProductsOnceInEveryMode() {
        Rounded sum = (f, mode, x) -> f.add(x[0], x[1], mode), difference = (f, mode, x) -> f.sub(x[0], x[1], mode);
        Rounded product = (f, mode, x) -> f.mul(x[0], x[1], mode);
        Instructions single = new Instructions(device, "rrr"), twice = new Instructions(device, "lll");
        add(single, "add", true, sum);
        add(single, "sub", true, difference);
        add(single, "mul", true, product);
        single.check(Instructions.operands(F32, 2));
        add64(twice, "add", sum);
        add64(twice, "sub", difference);
        add64(twice, "mul", product);
        twice.check(Instructions.operands(F64, 2), ANY_NAN64);
    }

    @Test
    void fusesMultiplicationAndAdditionInEveryMode() {
        Rounded fma = (f, mode, x) -> f.fma(x[0], x[1], x[2], mode);
        Instructions single = new Instructions(device, "rrrr"), twice = new Instructions(device, "llll");
        add(single, "fma", true, fma);
        single.check(Instructions.join(Instructions.operands(F32, 3), cancelling(F32)));
        add64(twice, "fma", fma);
        twice.check(Instructions.join(Instructions.operands(F64, 3), cancelling(F64)), ANY_NAN64);
    }

    /** a * b - round(a * b): what only one rounding keeps. */
    private static long[][] cancelling(FloatFormat format) {
        Random random = new Random(3);
        long[][] cases = new long[400][];
        Arrays.setAll(cases, i -> {
            long a = format.random(random), b = format.random(random);
            return new long[] {a, b, format.mul(a, b, RoundingMode.HALF_EVEN) ^ format.sign()};
        });
        return cases;
    }

    @Test
    void dividesAndTakesRootsInEveryMode() {
        Rounded quotient = (f, mode, x) -> f.div(x[0], x[1], mode), root = (f, mode, x) -> f.sqrt(x[0], mode);
        Rounded reciprocal = (f, mode, x) -> f.rcp(x[0], mode);
        Instructions single = new Instructions(device, "rrr"), twice = new Instructions(device, "lll");
        add(single, "div", false, quotient);
        single.check(Instructions.operands(F32, 2));
        add64(twice, "div", quotient);
        twice.check(Instructions.operands(F64, 2), ANY_NAN64);
        Instructions single1 = new Instructions(device, "rr"), twice1 = new Instructions(device, "ll");
        add(single1, "sqrt", false, root);
        add(single1, "rcp", false, reciprocal);
        single1.check(Instructions.operands(F32, 1));
        add64(twice1, "sqrt", root);
        add64(twice1, "rcp", reciprocal);
        twice1.check(Instructions.operands(F64, 1), ANY_NAN64);
    }

    @Test
    void ordersZerosAndLeavesOutNaNs() {
        Instructions single = new Instructions(device, "rrr"), twice = new Instructions(device, "lll");
        for (boolean max : new boolean[] {false, true}) {
            String name = max ? "max" : "min";
            single.add(name + ".f32", x -> extreme(F32, max, false, x));
            single.add(name + ".ftz.f32", x -> extreme(F32, max, false, F32.flush(x[0]), F32.flush(x[1])));
            single.add(name + ".NaN.f32", x -> extreme(F32, max, true, x));
            for (boolean nan : new boolean[] {false, true}) {
                single.add(name + (nan ? ".NaN" : "") + ".xorsign.abs.f32", x -> {
                    long magnitude = extreme(F32, max, nan, x[0] & F32.nan(), x[1] & F32.nan());
                    return F32.isNan(magnitude) ? magnitude : magnitude | (x[0] ^ x[1]) & F32.sign();
                });
            }
            twice.add(name + ".f64", x -> extreme(F64, max, false, x));
        }
        single.check(Instructions.operands(F32, 2));
        twice.check(Instructions.operands(F64, 2), ANY_NAN64);
    }

    private static long extreme(FloatFormat format, boolean max, boolean keepsNan, long... x) {
        boolean a = format.isNan(x[0]), b = format.isNan(x[1]);
        if (keepsNan ? a || b : a && b) {
            return format.nan();
        }
        // Double.compare has -0 below +0.
        boolean first = b || !a && Double.compare(format.value(x[0]), format.value(x[1])) < 0 != max;
        return x[first ? 0 : 1];
    }

    @Test
    void changesSignsAndTellsKinds() {
        Instructions single = new Instructions(device, "rr"), twice = new Instructions(device, "ll");
        single.add("abs.f32", x -> x[0] & F32.nan()).add("neg.f32", x -> x[0] ^ F32.sign());
        single.add("abs.ftz.f32", x -> F32.flush(x[0]) & F32.nan());
        single.add("neg.ftz.f32", x -> F32.flush(x[0]) ^ F32.sign());
        twice.add("abs.f64", x -> x[0] & F64.nan()).add("neg.f64", x -> x[0] ^ F64.sign());
        kinds(single, F32, "f32", "b32");
        kinds(twice, F64, "f64", "b64");
        single.check(Instructions.operands(F32, 1), F32::anyNan);
        twice.check(Instructions.operands(F64, 1), ANY_NAN64);
        new Instructions(device, "rrr").add("copysign.f32", x -> x[0] & F32.sign() | x[1] & F32.nan())
                .check(Instructions.operands(F32, 2));
        new Instructions(device, "lll").add("copysign.f64", x -> x[0] & F64.sign() | x[1] & F64.nan())
                .check(Instructions.operands(F64, 2));
    }

    private static void kinds(Instructions to, FloatFormat format, String type, String bits) {
        String[] kinds = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
        for (String kind : kinds) {
            to.add("{ .reg .pred p; testp.%s.%s p, %%1; selp.%s %%0, 1, 0, p; }".formatted(kind, type, bits), x -> {
                boolean nan = format.isNan(x[0]), finite = (x[0] & format.nan()) < format.infinity();
                return switch (kind) {
                    case "finite" -> finite;
                    case "infinite" -> !finite && !nan;
                    case "number" -> !nan;
                    case "notanumber" -> nan;
                    case "normal" -> finite && !format.isSubnormal(x[0]);
                    default -> format.isSubnormal(x[0]);
                } ? 1 : 0;
            });
        }
    }

    @Test
    void comparesOrderedAndUnordered() {
        Instructions single = new Instructions(device, "rrr"), twice = new Instructions(device, "rll");
        String[] ops = {"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
        for (String op : ops) {
            compare(single, op, ".f32", F32, false);
            compare(single, op, ".ftz.f32", F32, true);
            compare(twice, op, ".f64", F64, false);
            single.add("set." + op + ".u32.f32", x -> holds(op, F32.value(x[0]), F32.value(x[1])) ? 0xffffffffL : 0);
            single.add("set." + op + ".ftz.f32.f32",
                    x -> holds(op, F32.value(F32.flush(x[0])), F32.value(F32.flush(x[1]))) ? F32.one() : 0);
            twice.add("set." + op + ".s32.f64", x -> holds(op, F64.value(x[0]), F64.value(x[1])) ? 0xffffffffL : 0);
        }
        single.check(Instructions.operands(F32, 2));
        twice.check(Instructions.operands(F64, 2));
    }

    /** Bit 0: a op b; bits 1 and 2: p and q of it, with a predicate. */
    private static void compare(Instructions to, String op, String type, FloatFormat format, boolean ftz) {
        String ptx = "{ .reg .pred c, p, q, r; .reg .u32 t; setp.num%2$s c, %%1, %%1; setp.%1$s%2$s r, %%1, %%2; "
                + "setp.%1$s.and%2$s p|q, %%1, %%2, c; selp.u32 %%0, 1, 0, r; selp.u32 t, 2, 0, p; or.b32 %%0, %%0, t; "
                + "selp.u32 t, 4, 0, q; or.b32 %%0, %%0, t; }";
        to.add(ptx.formatted(op, type), x -> {
            double a = format.value(ftz ? format.flush(x[0]) : x[0]);
            boolean c = !Double.isNaN(a), r = holds(op, a, format.value(ftz ? format.flush(x[1]) : x[1]));
            return (r ? 1 : 0) | (r && c ? 2 : 0) | (!r && c ? 4 : 0);
        });
    }

    static boolean holds(String op, double a, double b) {
        boolean unordered = Double.isNaN(a) || Double.isNaN(b);
        return switch (op) {
            case "eq" -> a == b;
            case "ne" -> a != b && !unordered;
            case "lt" -> a < b;
            case "le" -> a <= b;
            case "gt" -> a > b;
            case "ge" -> a >= b;
            case "equ" -> a == b || unordered;
            case "neu" -> a != b || unordered;
            case "ltu" -> a < b || unordered;
            case "leu" -> a <= b || unordered;
            case "gtu" -> a > b || unordered;
            case "geu" -> a >= b || unordered;
            case "num" -> !unordered;
            case "nan" -> unordered;
            default -> throw new IllegalArgumentException(op);
        };
    }

    @Test
    void selectsTheSecondForANaN() {
        Instructions select = new Instructions(device, "rrrr");
        select.add("slct.u32.f32", x -> F32.value(x[2]) >= 0 ? x[0] : x[1]);
        select.add("slct.ftz.f32.f32", x -> F32.value(F32.flush(x[2])) >= 0 ? x[0] : x[1]);
        select.check(Instructions.combinations(new long[] {1}, new long[] {2}, F32.edges()));
    }

    /** A function, what it is, its values at -inf, -0, +0, +inf, and how far from the truth it may be. */
    private void approximates(String name, DoubleUnaryOperator truth, double[] special, double[] range,
            DoubleUnaryOperator bound) {
        Random random = new Random(5);
        DoubleStream edges = DoubleStream.of(Double.NEGATIVE_INFINITY, -0.0, 0, Double.POSITIVE_INFINITY, Double.NaN);
        DoubleStream anywhere = DoubleStream.generate(() -> F32.value(F32.random(random))).limit(2000)
                .filter(x -> x >= range[0] && x <= range[1]);
        double[] arguments = Stream.of(edges, random.doubles(2000, range[0], range[1]), anywhere)
                .flatMapToDouble(x -> x).toArray();
        long[] bits = Arrays.stream(arguments).mapToLong(x -> F32.round(x, RoundingMode.HALF_EVEN)).toArray();
        long[] results = new Instructions(device, "rr").add(name).run(Instructions.combinations(bits))[0];
        for (int i = 0; i < 5; i++) {
            long expected = i == 4 ? F32.nan() : F32.round(special[i], RoundingMode.HALF_EVEN);
            assertEquals(Long.toHexString(expected), Long.toHexString(results[i]), name + " of " + arguments[i]);
        }
        for (int i = 5; i < bits.length; i++) {
            double x = F32.value(bits[i]), expected = truth.applyAsDouble(x), d = F32.value(results[i]);
            assertTrue(Math.abs(d - expected) <= bound.applyAsDouble(x), name + " of " + x + " was " + d);
        }
    }

    private static DoubleUnaryOperator relative(DoubleUnaryOperator truth, double exponent) {
        // Results in the subnormal range cannot be closer than half a unit.
        return x -> Math.abs(truth.applyAsDouble(x)) * Math.pow(2, exponent) + 0x1p-150;
    }

    private static DoubleUnaryOperator ulps(DoubleUnaryOperator truth, int ulps) {
        return x -> ulps * (double) Math.ulp((float) truth.applyAsDouble(x));
    }

    @Test
    void approximatesWithinTheManualsBounds() {
        double inf = Double.POSITIVE_INFINITY, nan = Double.NaN, most = Float.MAX_VALUE, pi = Math.PI;
        DoubleUnaryOperator rsqrt = x -> 1 / Math.sqrt(x), log2 = x -> log2(x), exp2 = x -> Math.pow(2, x);
        approximates("rcp.approx.f32", x -> 1 / x, new double[] {-0.0, -inf, inf, 0}, new double[] {-0x1p127, 0x1p127},
                ulps(x -> 1 / x, 1));
        approximates("sqrt.approx.f32", Math::sqrt, new double[] {nan, -0.0, 0, inf}, new double[] {0, most},
                relative(Math::sqrt, -23));
        approximates("rsqrt.approx.f32", rsqrt, new double[] {nan, -inf, inf, 0}, new double[] {0, most},
                relative(rsqrt, -22.9));
        approximates("sin.approx.f32", Math::sin, new double[] {nan, -0.0, 0, nan}, new double[] {-2 * pi, 2 * pi},
                x -> Math.pow(2, -20.5));
        approximates("cos.approx.f32", Math::cos, new double[] {nan, 1, 1, nan}, new double[] {-2 * pi, 2 * pi},
                x -> Math.pow(2, -20.5));
        approximates("sin.approx.f32", Math::sin, new double[] {nan, -0.0, 0, nan}, new double[] {-100 * pi, 100 * pi},
                x -> Math.pow(2, -14.7));
        approximates("lg2.approx.f32", log2, new double[] {nan, -inf, -inf, inf}, new double[] {0, most},
                x -> x > 0.5 && x < 2 ? 0x1p-22 : Math.abs(log2(x)) * 0x1p-22);
        approximates("ex2.approx.f32", exp2, new double[] {0, 1, 1, inf}, new double[] {-160, 127.99}, ulps(exp2, 2));
        approximates("tanh.approx.f32", Math::tanh, new double[] {-1, -0.0, 0, 1}, new double[] {-20, 20},
                relative(Math::tanh, -11));
    }

    private static double log2(double x) {
        return Math.log(x) / Math.log(2);
    }

    @Test
    void approximatesSpecialArguments() {
        Instructions functions = new Instructions(device, "rr");
        String[] names = {"rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2"};
        for (String name : names) {
            functions.add(name + ".approx.ftz.f32");
        }
        functions.add("lg2.approx.f32").add("sqrt.approx.f32").add("rsqrt.approx.f32").add("ex2.approx.f32");
        functions.add("tanh.approx.f32").add("rcp.approx.f32");
        float inf = Float.POSITIVE_INFINITY, nan = Float.NaN, tiny = 0x1p-140f;
        // Subnormals of both signs, which .ftz makes zeros; a negative number; ends of the range.
        float[] arguments = {tiny, -tiny, -1, Float.MAX_VALUE, -140};
        float[][] expected = {
            {inf, -inf, -1, 0, -1f / 140}, {0, -0f, nan, 0x1p64f, nan}, {inf, -inf, nan, 0x1p-64f, nan},
            {0, -0f, (float) Math.sin(-1), nan, (float) Math.sin(-140)}, {1, 1, (float) Math.cos(1), nan,
                (float) Math.cos(140)}, {-inf, -inf, nan, 128, nan}, {1, 1, 0.5f, inf, 0},
            {-140, nan, nan, 128, nan}, {0x1p-70f, nan, nan, 0x1p64f, nan}, {0x1p70f, nan, nan, 0x1p-64f, nan},
            {1, 1, 0.5f, inf, tiny}, {tiny, -tiny, (float) Math.tanh(-1), 1, -1},
            {inf, -inf, -1, 0x1p-128f, -1f / 140}};
        long[] bits = new long[arguments.length];
        Arrays.setAll(bits, i -> Float.floatToIntBits(arguments[i]) & 0xffffffffL);
        long[][] results = functions.run(Instructions.combinations(bits));
        for (int k = 0; k < expected.length; k++) {
            for (int i = 0; i < bits.length; i++) {
                float d = Float.intBitsToFloat((int) results[k][i]), e = expected[k][i];
                boolean same = Float.isNaN(e) ? Float.isNaN(d)
                        : e == 0 || Float.isInfinite(e) ? Float.compare(e, d) == 0
                        : Math.abs(d - e) <= Math.abs(e) * (k == 11 ? 0x1p-11 : 0x1p-21);
                // No bound is given for the sines of what is so large.
                boolean open = (k == 3 || k == 4) && i == 3;
                assertTrue(same || open, functions.describe(k, new long[] {bits[i]}) + " was " + d + ", not " + e);
            }
        }
    }

    @Test
    void dividesApproximately() {
        long[][] cases = Instructions.operands(F32, 2);
        long[][] results = new Instructions(device, "rrr").add("div.approx.f32").add("div.full.f32").run(cases);
        for (int i = 0; i < cases.length; i++) {
            double a = F32.value(cases[i][0]), b = F32.value(cases[i][1]), size = Math.abs(b);
            double expected = F32.value(F32.div(cases[i][0], cases[i][1], RoundingMode.HALF_EVEN));
            near(expected, results[1][i], "div.full of " + a + " and " + b);
            if (size > 0x1p126 && size < Double.POSITIVE_INFINITY) {
                expected = a / b != a / b || Double.isInfinite(a) ? Double.NaN : Math.copySign(0.0, a) * Math.signum(b);
            }
            if (size >= 0x1p-126 || size == 0 || size != size) {
                near(expected, results[0][i], "div.approx of " + a + " and " + b);
            }
        }
    }

    private static void near(double expected, long bits, String what) {
        double d = F32.value(bits);
        boolean exact = Double.isNaN(expected) || Double.isInfinite(expected) || expected == 0;
        assertTrue(exact ? Double.compare(expected, d) == 0 : Math.abs(d - expected) <= 2 * Math.ulp((float) expected),
                what + " was " + d + ", not " + expected);
    }

    @Test
    void approximatesDoublesByTheirUpperWords() {
        long[] bits = LongStream.concat(Arrays.stream(F64.edges()), new Random(4).longs(1000)).toArray();
        Instructions functions = new Instructions(device, "ll");
        functions.add("rcp.approx.ftz.f64").add("rsqrt.approx.ftz.f64").add("rsqrt.approx.f64");
        long[][] results = functions.run(Instructions.combinations(bits));
        ToDoubleFunction<Long> upper = x -> F64.value(F64.flush(x & 0xffffffff00000000L));
        for (int i = 0; i < bits.length; i++) {
            // A NaN whose upper word is that of an infinity is none there.
            double word = upper.applyAsDouble(bits[i]), x = F64.value(bits[i]);
            double[] expected = {1 / word, 1 / Math.sqrt(word), 1 / Math.sqrt(x)};
            for (int k = 0; k < 3; k++) {
                double e = k < 2 ? F64.value(F64.flush(Double.doubleToRawLongBits(expected[k]))) : expected[k];
                double d = F64.value(results[k][i]);
                String what = functions.describe(k, new long[] {bits[i]}) + " was " + d;
                if (k < 2) {
                    assertEquals(0, results[k][i] & 0xffffffffL, what);
                }
                if (Double.isNaN(e)) {
                    assertEquals(k < 2 ? Long.toHexString(0x7fffffff00000000L) : Long.toHexString(F64.nan()),
                            Long.toHexString(k < 2 ? results[k][i] : F64.anyNan(results[k][i])), what);
                } else {
                    boolean exact = e == 0 || Double.isInfinite(e);
                    assertTrue(exact ? Double.compare(e, d) == 0 : Math.abs(d - e) <= Math.abs(e) * 0x1p-19, what);
                }
            }
        }
    }
}
