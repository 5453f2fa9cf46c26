package io.framecast.softgpu;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Conversions of 8-bit floats, against the nearest of all their values. */
class Fp8Test {

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");

    enum Format {
        E4M3(4, 3), E5M2(5, 2);

        /** Of the codes 0 to 0x7f, as FP8 Formats for Deep Learning (2022) defines them. */
        private final double[] values = new double[128];

        Format(int exponent, int fraction) {
            int bias = (1 << exponent - 1) - 1;
            for (int code = 0; code < 128; code++) {
                int e = code >> fraction, f = code & (1 << fraction) - 1;
                values[code] = e == 0 ? Math.scalb((double) f, 1 - bias - fraction)
                        : Math.scalb(1 + Math.scalb((double) f, -fraction), e - bias);
            }
            if (this.ordinal() == 0) {
                values[0x7f] = Double.NaN;
            } else {
                values[0x7c] = Double.POSITIVE_INFINITY;
                Arrays.fill(values, 0x7d, 128, Double.NaN);
            }
        }

        String type() {
            return name().toLowerCase() + "x2";
        }

        double value(long code) {
            double magnitude = values[(int) code & 127];
            return (code & 128) != 0 ? -magnitude : magnitude;
        }

        private double largest() {
            return values[this == E4M3 ? 0x7e : 0x7b];
        }

        /** The nearest finite value, of two the one with an even code. */
        long nearest(double x, boolean relu) {
            if (Double.isNaN(x)) {
                return 0x7f;
            }
            double limited = relu ? Math.max(x, 0.0) : x, magnitude = Math.min(Math.abs(limited), largest());
            int best = 0;
            for (int code = 1; code < 128 && Double.isFinite(values[code]); code++) {
                double closer = Math.abs(values[best] - magnitude) - Math.abs(values[code] - magnitude);
                if (closer > 0 || closer == 0 && code % 2 == 0) {
                    best = code;
                }
            }
            return best | (1 / limited < 0 || limited < 0 ? 128 : 0);
        }
    }

    private static float[] floats() {
        Random random = new Random(3);
        return toFloats(DoubleStream.concat(
                DoubleStream.of(0, -0.0, 1, 448, 464, 465, 479, 57344, 61440, 61441, 1e30, Double.POSITIVE_INFINITY,
                        Double.NEGATIVE_INFINITY, Double.NaN, 0x1p-9, 0x1p-10, 0x1.8p-10, 0x1p-16, 0x1p-17, 0x1.8p-17,
                                1e-40),
                random.doubles(300).map(x -> Math.scalb(2 * x - 1, random.nextInt(40) - 20))).toArray());
    }

    private static float[] toFloats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    @Test
    void fromFloats() {
        float[] values = floats();
        long[][] cases = new long[values.length][];
        for (int i = 0; i < cases.length; i++) {
            cases[i] = new long[] {Float.floatToRawIntBits(values[i]) & 0xffffffffL,
                Float.floatToRawIntBits(values[(i + 7) % values.length]) & 0xffffffffL};
        }
        Instructions all = new Instructions(device, "hrr");
        for (Format f : Format.values()) {
            for (boolean relu : new boolean[] {false, true}) {
                all.add("cvt.rn.satfinite" + (relu ? ".relu." : ".") + f.type() + ".f32",
                        x -> f.nearest(Float.intBitsToFloat((int) x[0]), relu) << 8
                                | f.nearest(Float.intBitsToFloat((int) x[1]), relu));
            }
        }
        all.check(cases);
    }

    @Test
    void fromAndToHalves() {
        Instructions to = new Instructions(device, "hr"), from = new Instructions(device, "rh");
        for (Format f : Format.values()) {
            for (boolean relu : new boolean[] {false, true}) {
                String modifier = relu ? ".relu." : ".";
                to.add("cvt.rn.satfinite" + modifier + f.type() + ".f16x2",
                        x -> f.nearest(half(x[0] >> 16), relu) << 8 | f.nearest(half(x[0] & 0xffff), relu));
                from.add("cvt.rn" + modifier + "f16x2." + f.type(),
                        x -> halfBits(f.value(x[0] >> 8), relu) << 16 | halfBits(f.value(x[0] & 0xff), relu));
            }
        }
        long[][] halves = new long[4096][], codes = new long[256][];
        for (int i = 0; i < halves.length; i++) {
            halves[i] = new long[] {i * 16L << 16 | (i * 37L & 0xffff)};
        }
        for (int i = 0; i < codes.length; i++) {
            codes[i] = new long[] {i << 8 | (i * 3 + 1 & 0xff)};
        }
        to.check(halves);
        from.check(codes);
    }

    private static double half(long bits) {
        int e = (int) bits >> 10 & 31, f = (int) bits & 1023;
        double magnitude = e == 31 ? f == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                : e == 0 ? Math.scalb((double) f, -24) : Math.scalb(1024.0 + f, e - 25);
        return (bits & 0x8000) != 0 ? -magnitude : magnitude;
    }

    /** All values of 8 bits are halves, too. */
    private static long halfBits(double x, boolean relu) {
        if (Double.isNaN(x)) {
            return 0x7fff;
        }
        for (long bits = 0; bits < 0x7c01; bits++) {
            if (half(bits) == Math.abs(x)) {
                return relu && x <= 0 ? 0 : bits | (x < 0 || 1 / x < 0 ? 0x8000 : 0);
            }
        }
        throw new IllegalArgumentException("no half is " + x);
    }
}
