package io.framecast.softgpu;

import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * The number m * 2^e. Sums and products are exact. Inexact quotients and roots have their last bit set, far below all
 * bits that matter for rounding, so that they round like the true value.
 */
record Exact(BigInteger m, int e) {

    private static final int DIGITS = 200;

    static Exact of(double finite) {
        long bits = Double.doubleToRawLongBits(finite);
        int field = (int) (bits >>> 52) & 0x7ff;
        if (field == 0x7ff) {
            throw new IllegalArgumentException("not finite: " + finite);
        }
        long significand = (bits & (1L << 52) - 1) | (field == 0 ? 0 : 1L << 52);
        return new Exact(BigInteger.valueOf(bits < 0 ? -significand : significand), Math.max(field, 1) - 1075);
    }

    static Exact of(BigInteger integer) {
        return new Exact(integer, 0);
    }

    boolean isZero() {
        return m.signum() == 0;
    }

    Exact plus(Exact other) {
        if (e < other.e) {
            return other.plus(this);
        }
        return new Exact(m.shiftLeft(e - other.e).add(other.m), other.e);
    }

    Exact times(Exact other) {
        return new Exact(m.multiply(other.m), e + other.e);
    }

    Exact over(Exact other) {
        int shift = DIGITS + Math.max(0, other.m.bitLength() - m.bitLength());
        BigInteger[] quotient = m.abs().shiftLeft(shift).divideAndRemainder(other.m.abs());
        return new Exact(sticky(quotient[0], quotient[1].signum() != 0, m.signum() * other.m.signum()),
                e - other.e - shift - 1);
    }

    Exact root() {
        int shift = 2 * DIGITS + (e & 1);
        BigInteger[] root = m.shiftLeft(shift).sqrtAndRemainder();
        return new Exact(sticky(root[0], root[1].signum() != 0, 1), (e - shift) / 2 - 1);
    }

    private static BigInteger sticky(BigInteger magnitude, boolean inexact, int sign) {
        BigInteger bits = magnitude.shiftLeft(1).add(inexact ? BigInteger.ONE : BigInteger.ZERO);
        return sign < 0 ? bits.negate() : bits;
    }

    /** To an integer. */
    BigInteger round(RoundingMode mode) {
        if (e >= 0) {
            return m.shiftLeft(e);
        }
        BigInteger unit = BigInteger.ONE.shiftLeft(-e), magnitude = m.abs();
        BigInteger floor = magnitude.shiftRight(-e), rest = magnitude.subtract(floor.shiftLeft(-e));
        boolean negative = m.signum() < 0;
        int half = rest.shiftLeft(1).compareTo(unit);
        boolean away = rest.signum() != 0 && switch (mode) {
            case DOWN -> false;
            case FLOOR -> negative;
            case CEILING -> !negative;
            case HALF_EVEN -> half > 0 || half == 0 && floor.testBit(0);
            case HALF_UP -> half >= 0;
            default -> throw new IllegalArgumentException(mode.name());
        };
        BigInteger rounded = away ? floor.add(BigInteger.ONE) : floor;
        return negative ? rounded.negate() : rounded;
    }
}
