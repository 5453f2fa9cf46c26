package io.framecast.softgpu;

import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;

/** A binary format of IEEE 754's kind, and its arithmetic on bits: done exactly, then rounded once. */
record FloatFormat(int exponentBits, int fractionBits) {

    static final FloatFormat F16 = new FloatFormat(5, 10);
    static final FloatFormat BF16 = new FloatFormat(8, 7);
    static final FloatFormat TF32 = new FloatFormat(8, 10);
    static final FloatFormat F32 = new FloatFormat(8, 23);
    static final FloatFormat F64 = new FloatFormat(11, 52);

    /** The rounding modes, named like the PTX modifiers. */
    static RoundingMode mode(String modifier) {
        return switch (modifier) {
            case "rn", "rni" -> RoundingMode.HALF_EVEN;
            case "rz", "rzi" -> RoundingMode.DOWN;
            case "rm", "rmi" -> RoundingMode.FLOOR;
            case "rp", "rpi" -> RoundingMode.CEILING;
            case "rna" -> RoundingMode.HALF_UP;
            default -> throw new IllegalArgumentException(modifier);
        };
    }

    int width() {
        return 1 + exponentBits + fractionBits;
    }

    private int bias() {
        return (1 << exponentBits - 1) - 1;
    }

    long sign() {
        return 1L << exponentBits + fractionBits;
    }

    long infinity() {
        return ((1L << exponentBits) - 1) << fractionBits;
    }

    long one() {
        return (long) bias() << fractionBits;
    }

    /** The NaN that instructions make: all bits set but the sign. */
    long nan() {
        return sign() - 1;
    }

    boolean isNan(long bits) {
        return (bits & nan()) > infinity();
    }

    boolean isNegative(long bits) {
        return (bits & sign()) != 0;
    }

    boolean isSubnormal(long bits) {
        return (bits & infinity()) == 0 && (bits & nan()) != 0;
    }

    /** Maps all NaNs to one, for comparisons that accept any NaN. */
    long anyNan(long bits) {
        return isNan(bits) ? nan() : bits;
    }

    /** .ftz */
    long flush(long bits) {
        return isSubnormal(bits) ? bits & sign() : bits;
    }

    /** .sat */
    long saturate(long bits) {
        return isNan(bits) || isNegative(bits) ? 0 : Math.min(bits, one());
    }

    /** .relu */
    long relu(long bits) {
        return isNan(bits) ? nan() : isNegative(bits) ? 0 : bits;
    }

    /** Exactly, as f64 holds all of these formats. */
    double value(long bits) {
        if (fractionBits == 52) {
            return Double.longBitsToDouble(bits);
        }
        long field = (bits & infinity()) >> fractionBits, fraction = bits & (1L << fractionBits) - 1;
        double magnitude = isNan(bits) ? Double.NaN
                : (bits & nan()) == infinity() ? Double.POSITIVE_INFINITY
                : Math.scalb((double) (field == 0 ? fraction : fraction | 1L << fractionBits),
                        (int) Math.max(field, 1) - bias() - fractionBits);
        return isNegative(bits) ? -magnitude : magnitude;
    }

    /** Of any value of any format. */
    long round(double value, RoundingMode mode) {
        return Double.isNaN(value) || Double.isInfinite(value) ? special(value)
                : round(Exact.of(value), negative(value), mode);
    }

    long round(Exact x, boolean negativeZero, RoundingMode mode) {
        if (x.isZero()) {
            return negativeZero ? sign() : 0;
        }
        int least = 1 - bias(), exponent = Math.max(x.m().abs().bitLength() - 1 + x.e(), least);
        boolean negative = x.m().signum() < 0;
        BigInteger units = new Exact(x.m(), x.e() - (exponent - fractionBits)).round(mode).abs();
        long bits = exponent > bias() ? infinity() : ((long) (exponent - least) << fractionBits) + units.longValue();
        if (bits >= infinity()) {
            boolean stays = mode == RoundingMode.DOWN || mode == (negative ? RoundingMode.CEILING : RoundingMode.FLOOR);
            bits = stays ? infinity() - 1 : infinity();
        }
        return negative ? bits | sign() : bits;
    }

    /** A NaN, an infinity or a zero. */
    private long special(double value) {
        long magnitude = Double.isNaN(value) ? nan() : Double.isInfinite(value) ? infinity() : 0;
        return !Double.isNaN(value) && negative(value) ? magnitude | sign() : magnitude;
    }

    private static boolean negative(double value) {
        return Double.doubleToRawLongBits(value) < 0;
    }

    private static boolean finite(double... values) {
        return Arrays.stream(values).allMatch(Double::isFinite);
    }

    long add(long x, long y, RoundingMode mode) {
        return fma(x, one(), y, mode);
    }

    long sub(long x, long y, RoundingMode mode) {
        return fma(x, one(), y ^ sign(), mode);
    }

    long mul(long x, long y, RoundingMode mode) {
        double a = value(x), b = value(y);
        return finite(a, b) ? round(Exact.of(a).times(Exact.of(b)), negative(a) != negative(b), mode) : special(a * b);
    }

    long fma(long x, long y, long z, RoundingMode mode) {
        double a = value(x), b = value(y), c = value(z);
        if (!finite(a, b, c)) {
            return special(Math.fma(a, b, c));
        }
        Exact product = Exact.of(a).times(Exact.of(b));
        boolean negative = negative(a) != negative(b);
        // Zeros of one sign keep it; what cancels is +0, but -0 when rounding down.
        boolean negativeZero = product.isZero() && negative == negative(c) ? negative : mode == RoundingMode.FLOOR;
        return round(product.plus(Exact.of(c)), negativeZero, mode);
    }

    long div(long x, long y, RoundingMode mode) {
        double a = value(x), b = value(y);
        return finite(a, b) && b != 0 && a != 0
                ? round(Exact.of(a).over(Exact.of(b)), false, mode) : special(a / b);
    }

    long rcp(long x, RoundingMode mode) {
        return div(one(), x, mode);
    }

    long sqrt(long x, RoundingMode mode) {
        double a = value(x);
        return finite(a) && a > 0 ? round(Exact.of(a).root(), false, mode) : special(Math.sqrt(a));
    }

    /** Edge cases of both signs: zeros, infinities, NaNs, the limits of subnormals and normals, and values around 1. */
    long[] edges() {
        long fraction = 1L << fractionBits, quiet = fraction >> 1;
        return LongStream.of(0, 1, 2, fraction - 1, fraction, fraction + 1, one() - 1, one(), one() + 1,
                one() + quiet, one() + fraction, infinity() - 1, infinity(), infinity() + quiet, infinity() + 1)
                .flatMap(bits -> LongStream.of(bits, bits | sign())).toArray();
    }

    /** Random bits; half of the values have an exponent near that of 1, so that operands have similar magnitude. */
    long random(Random random) {
        long bits = random.nextLong() & (sign() << 1) - 1;
        return random.nextBoolean() ? bits
                : bits & ~infinity() | one() + ((long) (random.nextInt(9) - 4) << fractionBits);
    }
}
