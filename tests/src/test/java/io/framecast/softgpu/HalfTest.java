package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.BF16;
import static io.framecast.softgpu.FloatFormat.F16;
import static java.math.RoundingMode.HALF_EVEN;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongUnaryOperator;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Arithmetic and comparison of f16 and bf16, single and in pairs: rounded once, with subnormals unless .ftz. */
class HalfTest {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    private static String type(FloatFormat format) {
        return format == F16 ? "f16" : "bf16";
    }

    /** One instruction with its possible modifiers, as a function of single values. */
    private record Form(String opcode, ToLongFunction<long[]> op) {}

    private static Form[] withModifiers(FloatFormat f, String opcode, ToLongFunction<long[]> op) {
        if (f != F16) {
            return new Form[] {new Form(opcode, op)};
        }
        ToLongFunction<long[]> ftz = x -> f.flush(op.applyAsLong(Arrays.stream(x).map(f::flush).toArray()));
        return new Form[] {new Form(opcode, op), new Form(opcode + ".ftz", ftz),
            new Form(opcode + ".sat", x -> f.saturate(op.applyAsLong(x))),
            new Form(opcode + ".ftz.sat", x -> f.saturate(ftz.applyAsLong(x)))};
    }

    /** On single values and on pairs, whose halves are of different cases. */
    private void check(FloatFormat f, int sources, long[][] cases, LongUnaryOperator alike, Form... forms) {
        Instructions single = new Instructions(device, "h".repeat(1 + sources));
        Instructions packed = new Instructions(device, "r".repeat(1 + sources));
        for (Form form : forms) {
            single.add(form.opcode + "." + type(f), form.op);
            packed.add(form.opcode + "." + type(f) + "x2", x -> {
                long lower = form.op.applyAsLong(Arrays.stream(x).map(v -> v & 0xffff).toArray());
                return form.op.applyAsLong(Arrays.stream(x).map(v -> v >> 16).toArray()) << 16 | lower;
            });
        }
        single.check(cases, alike);
        long[][] pairs = new long[cases.length][];
        Arrays.setAll(pairs, i -> {
            long[] upper = cases[(int) (i * 7919L % cases.length)], pair = new long[sources];
            Arrays.setAll(pair, j -> upper[j] << 16 | cases[i][j]);
            return pair;
        });
        packed.check(pairs, x -> alike.applyAsLong(x & 0xffff) | alike.applyAsLong(x >> 16 & 0xffff) << 16);
    }

    @Test
    void roundsSumsAndProductsOnce() {
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            Form[][] forms = {withModifiers(f, "add", x -> f.add(x[0], x[1], HALF_EVEN)),
                withModifiers(f, "sub", x -> f.sub(x[0], x[1], HALF_EVEN)),
                withModifiers(f, "mul", x -> f.mul(x[0], x[1], HALF_EVEN)),
                {new Form("add.rn", x -> f.add(x[0], x[1], HALF_EVEN))}};
            check(f, 2, Instructions.operands(f, 2), LongUnaryOperator.identity(),
                    Arrays.stream(forms).flatMap(Arrays::stream).toArray(Form[]::new));
        }
    }

    /** Many sums are at a midpoint of two values, or very close to one, where double rounding gives another result. */
    @Test
    void roundsFusedProductsOnce() {
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            Random random = new Random(11);
            long[][] ties = new long[4000][];
            Arrays.setAll(ties, i -> {
                long sign = random.nextBoolean() ? f.sign() : 0;
                if (i % 2 == 0) {
                    // c near 1 and about half a unit of it.
                    long half = f.one() - ((long) (f.fractionBits() + 1) << f.fractionBits());
                    return new long[] {half + random.nextInt(5) - 2, f.one() + random.nextInt(5) - 2,
                        f.one() + random.nextInt(64) | sign};
                }
                // A product at a midpoint, and a c so small that it matters only in an exact sum.
                long wide = f.one() + (1L << f.fractionBits() - 1);
                return new long[] {f.one() + random.nextInt(60), wide, random.nextInt(100) | sign};
            });
            long[][] cases = Instructions.join(Instructions.operands(f, 3), ties);
            ToLongFunction<long[]> fma = x -> f.fma(x[0], x[1], x[2], HALF_EVEN);
            check(f, 3, cases, LongUnaryOperator.identity(), withModifiers(f, "fma.rn", fma));
            check(f, 3, cases, LongUnaryOperator.identity(), new Form("fma.rn.relu", x -> f.relu(fma.applyAsLong(x))));
        }
    }

    @Test
    void ordersZerosAndLeavesOutNaNs() {
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            Form[] forms = {extreme(f, false, false, false), extreme(f, false, true, false),
                extreme(f, false, false, true), extreme(f, false, true, true), extreme(f, true, false, false),
                extreme(f, true, true, false), extreme(f, true, false, true), extreme(f, true, true, true)};
            check(f, 2, Instructions.operands(f, 2), LongUnaryOperator.identity(), forms);
        }
        check(F16, 2, Instructions.operands(F16, 2), LongUnaryOperator.identity(), new Form("min.ftz",
                x -> extreme(F16, false, false, false).op.applyAsLong(Arrays.stream(x).map(F16::flush).toArray())));
    }

    private static Form extreme(FloatFormat f, boolean max, boolean keepsNan, boolean xorsign) {
        String opcode = (max ? "max" : "min") + (keepsNan ? ".NaN" : "") + (xorsign ? ".xorsign.abs" : "");
        return new Form(opcode, x -> {
            long a = xorsign ? x[0] & f.nan() : x[0], b = xorsign ? x[1] & f.nan() : x[1];
            boolean nanA = f.isNan(a), nanB = f.isNan(b);
            if (keepsNan ? nanA || nanB : nanA && nanB) {
                return f.nan();
            }
            long d = nanB || !nanA && Double.compare(f.value(a), f.value(b)) < 0 != max ? a : b;
            return xorsign ? d | (x[0] ^ x[1]) & f.sign() : d;
        });
    }

    @Test
    void changesSigns() {
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            long[][] all = Instructions.combinations(LongStream.range(0, 1 << 16).toArray());
            check(f, 1, all, f::anyNan, new Form("abs", x -> x[0] & f.nan()), new Form("neg", x -> x[0] ^ f.sign()));
        }
        check(F16, 1, Instructions.operands(F16, 1), F16::anyNan,
                new Form("abs.ftz", x -> F16.flush(x[0]) & F16.nan()),
                new Form("neg.ftz", x -> F16.flush(x[0]) ^ F16.sign()));
    }

    @Test
    void comparesOrderedAndUnordered() {
        String[] ops = {"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            String type = type(f);
            Instructions single = new Instructions(device, "rhh"), set = new Instructions(device, "hhh");
            Instructions packed = new Instructions(device, "rrr");
            for (String op : ops) {
                for (String ftz : f == F16 ? new String[] {"", ".ftz"} : new String[] {""}) {
                    LongUnaryOperator in = ftz.isEmpty() ? LongUnaryOperator.identity() : f::flush;
                    ToLongFunction<long[]> holds = x -> FloatTest.holds(op, f.value(in.applyAsLong(x[0])),
                            f.value(in.applyAsLong(x[1]))) ? 1 : 0;
                    single.add("{ .reg .pred p; setp.%s%s.%s p, %%1, %%2; selp.u32 %%0, 1, 0, p; }"
                            .formatted(op, ftz, type), holds);
                    single.add("set." + op + ftz + ".u32." + type, x -> holds.applyAsLong(x) == 1 ? 0xffffffffL : 0);
                    set.add("set." + op + ftz + "." + type + "." + type, x -> holds.applyAsLong(x) == 1 ? f.one() : 0);
                    // p of the lower halves and q of the upper, where the operand has any bits.
                    packed.add(("{ .reg .pred p, q, c; .reg .u32 t; setp.ne.b32 c, %%1, 0; "
                            + "setp.%s.and%s.%sx2 p|q, %%1, %%2, c; selp.u32 %%0, 1, 0, p; selp.u32 t, 2, 0, q; "
                            + "or.b32 %%0, %%0, t; }")
                            .formatted(op, ftz, type), x -> x[0] == 0 ? 0
                                    : holds.applyAsLong(lower(x)) | holds.applyAsLong(upper(x)) << 1);
                    packed.add("set." + op + ftz + "." + type + "x2." + type + "x2",
                            x -> holds.applyAsLong(lower(x)) * f.one() | holds.applyAsLong(upper(x)) * f.one() << 16);
                }
            }
            long[][] cases = Instructions.operands(f, 2);
            single.check(cases);
            set.check(cases);
            long[][] pairs = new long[cases.length][];
            Arrays.setAll(pairs, i -> {
                long[] upper = cases[(int) (i * 7919L % cases.length)];
                return new long[] {upper[0] << 16 | cases[i][0], upper[1] << 16 | cases[i][1]};
            });
            packed.check(pairs);
        }
    }

    private static long[] lower(long[] x) {
        return new long[] {x[0] & 0xffff, x[1] & 0xffff};
    }

    private static long[] upper(long[] x) {
        return new long[] {x[0] >> 16, x[1] >> 16};
    }

    /** For ex2 a relative 2^-9.9 of f16 and 2^-7 of bf16; for tanh an absolute 2^-10.987 and 2^-8. */
    @Test
    void approximatesWithinTheManualsBounds() {
        for (FloatFormat f : new FloatFormat[] {F16, BF16}) {
            long[] all = LongStream.range(0, 1 << 16).toArray();
            String ex2 = f == F16 ? "ex2.approx.f16" : "ex2.approx.ftz.bf16";
            long[][] results = new Instructions(device, "hh").add(ex2).add("tanh.approx." + type(f))
                    .run(Instructions.combinations(all));
            DoubleUnaryOperator exp2 = x -> Math.pow(2, x);
            double least = f.value(1), relative = Math.pow(2, f == F16 ? -9.9 : -7);
            double absolute = Math.pow(2, f == F16 ? -10.987 : -8);
            for (int i = 0; i < all.length; i++) {
                double x = f.value(all[i]), power = exp2.applyAsDouble(x), tanh = Math.tanh(x);
                double powerOf = f.value(results[0][i]), tanhOf = f.value(results[1][i]);
                boolean nan = Double.isNaN(x);
                assertTrue(nan ? Double.isNaN(powerOf) : Double.isInfinite(powerOf) ? power > f.value(f.infinity() - 1)
                        : Math.abs(powerOf - power) <= power * relative + (f == F16 ? least : 0x1p-126),
                        ex2 + " of " + x + " was " + powerOf);
                assertTrue(nan ? Double.isNaN(tanhOf) : Math.abs(tanhOf - tanh) <= absolute
                        && (x != 0 || Double.compare(x, tanhOf) == 0), "tanh of " + x + " was " + tanhOf);
            }
        }
    }
}
