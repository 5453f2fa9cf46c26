package io.framecast.backend.cuda.vendor;

import io.framecast.backend.Precision;

/** What tensor cores multiply in place of a float32 value, by the definition: independent of how kernels round. */
final class Rounding {

    private Rounding() {
    }

    /** The operand for a normal number: 8 significant bits with ties to even, or 11 with ties away from zero. */
    static float operand(Precision precision, double x) {
        if (x == 0 || precision == Precision.FP32) {
            return (float) x;
        }
        int fraction = precision == Precision.BF16 ? 7 : 10;
        double steps = Math.abs(x) / Math.scalb(1.0, Math.getExponent(x) - fraction);
        double rounded = precision == Precision.BF16 ? Math.rint(steps) : Math.floor(steps + 0.5);
        return (float) Math.copySign(rounded * Math.scalb(1.0, Math.getExponent(x) - fraction), x);
    }

    static float[] operands(Precision precision, float[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = operand(precision, values[i]);
        }
        return rounded;
    }
}
