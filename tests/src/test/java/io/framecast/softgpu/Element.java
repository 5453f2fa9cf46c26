package io.framecast.softgpu;

import java.util.Arrays;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcudnn.cudnnDataType;

/** A type of the numbers in a tensor or a matrix, with its own conversions to and from double. */
enum Element {
    FLOAT(cudnnDataType.CUDNN_DATA_FLOAT, cudaDataType.CUDA_R_32F, 4, 24, -126),
    DOUBLE(cudnnDataType.CUDNN_DATA_DOUBLE, cudaDataType.CUDA_R_64F, 8, 53, -1022),
    HALF(cudnnDataType.CUDNN_DATA_HALF, cudaDataType.CUDA_R_16F, 2, 11, -14),
    BFLOAT16(9, cudaDataType.CUDA_R_16BF, 2, 8, -126);

    final int cudnnType;
    final int cudaType;
    final int bytes;
    /** Significant bits of a normal number. */
    private final int precision;
    /** Of the smallest normal number. */
    private final int minExponent;

    Element(int cudnnType, int cudaType, int bytes, int precision, int minExponent) {
        this.cudnnType = cudnnType;
        this.cudaType = cudaType;
        this.bytes = bytes;
        this.precision = precision;
        this.minExponent = minExponent;
    }

    /** To the nearest number of this type, ties to even; too large ones to infinity. */
    double round(double x) {
        if (this == DOUBLE || x == 0 || !Double.isFinite(x)) {
            return x;
        }
        int exponent = Math.max(Math.getExponent(x), minExponent);
        double step = Math.scalb(1.0, exponent - precision + 1);
        double rounded = Math.rint(x / step) * step;
        int maxExponent = 1 - minExponent;
        return Math.getExponent(rounded) > maxExponent ? Math.copySign(Double.POSITIVE_INFINITY, x) : rounded;
    }

    double[] round(double[] values) {
        return Arrays.stream(values).map(this::round).toArray();
    }

    /** Values of this type, in device memory. */
    Buffer upload(SoftDevice device, double... values) {
        switch (this) {
            case DOUBLE:
                return device.buffer(values);
            case FLOAT:
                return device.buffer(floats(values));
            default:
                short[] bits = new short[values.length];
                for (int i = 0; i < bits.length; i++) {
                    bits[i] = (short) (this == HALF ? halfBits(round(values[i]))
                            : Float.floatToRawIntBits((float) round(values[i])) >>> 16);
                }
                return device.buffer(bits);
        }
    }

    double[] download(Buffer buffer) {
        switch (this) {
            case DOUBLE:
                return buffer.doubles();
            case FLOAT:
                float[] floats = buffer.floats();
                double[] values = new double[floats.length];
                Arrays.setAll(values, i -> floats[i]);
                return values;
            default:
                short[] bits = buffer.shorts();
                double[] wide = new double[bits.length];
                Arrays.setAll(wide, i -> this == HALF ? halfValue(bits[i]) : Float.intBitsToFloat(bits[i] << 16));
                return wide;
        }
    }

    /** A number in host memory as this type, be it float or double. */
    Pointer scalar(double value) {
        return this == DOUBLE ? Pointer.to(new double[] {value}) : Pointer.to(new float[] {(float) value});
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private static int halfBits(double x) {
        int sign = 1 / x < 0 || x < 0 ? 0x8000 : 0;
        double magnitude = Math.abs(x);
        if (Double.isNaN(x)) {
            return 0x7e00;
        }
        if (Double.isInfinite(x)) {
            return sign | 0x7c00;
        }
        if (magnitude < 0x1p-14) {
            return sign | (int) (magnitude * 0x1p24);
        }
        int exponent = Math.getExponent(magnitude);
        return sign | exponent + 15 << 10 | (int) ((Math.scalb(magnitude, -exponent) - 1) * 1024);
    }

    private static double halfValue(short bits) {
        int exponent = bits >> 10 & 31;
        int fraction = bits & 1023;
        double magnitude = exponent == 31 ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                : exponent == 0 ? fraction * 0x1p-24 : Math.scalb(1 + fraction / 1024.0, exponent - 15);
        return bits < 0 ? -magnitude : magnitude;
    }
}
