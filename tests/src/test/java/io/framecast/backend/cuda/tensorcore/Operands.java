package io.framecast.backend.cuda.tensorcore;

import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelDevice;

/** Operands of tensor cores, made and read on the host, independently of the kernels that do so. */
final class Operands {

    private Operands() {
    }

    /** The unit roundoff. */
    static double roundoff(Operand operand) {
        return Math.scalb(1, operand == Operand.BF16 ? -8 : -11);
    }

    /** The nearest operand; ties to even in bfloat16, away from zero in tf32. */
    static float rounded(Operand operand, float value) {
        int bits = Float.floatToRawIntBits(value);
        int dropped = operand == Operand.BF16 ? 16 : 13;
        int half = 1 << dropped - 1;
        int tie = operand == Operand.BF16 ? half - 1 + (bits >>> dropped & 1) : half;
        return Float.intBitsToFloat(bits + tie & -1 << dropped);
    }

    /** (pixels, channels), which are operands, with padded channels. */
    static DeviceMemory pack(KernelDevice device, Operand operand, float[] values, int channels) {
        int padded = operand.padded(channels);
        float[] all = new float[values.length / channels * padded];
        for (int i = 0; i < values.length; i++) {
            all[i / channels * padded + i % channels] = values[i];
        }
        return device.memory(operand == Operand.TF32 ? all : packedInPairs(all));
    }

    private static float[] packedInPairs(float[] values) {
        float[] pairs = new float[values.length / 2];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[2 * i]) >>> 16
                    | Float.floatToRawIntBits(values[2 * i + 1]) & 0xffff0000);
        }
        return pairs;
    }

    static DeviceMemory zeros(KernelDevice device, Operand operand, int pixels, int channels) {
        return pack(device, operand, new float[pixels * channels], channels);
    }

    /** The values (pixels, channels) of operands; what is in the padding must be zero. */
    static float[] unpack(Operand operand, DeviceMemory memory, int pixels, int channels) {
        float[] words = KernelDevice.read(memory);
        int padded = operand.padded(channels);
        float[] values = new float[pixels * channels];
        for (int i = 0; i < pixels * padded; i++) {
            int bits = Float.floatToRawIntBits(words[operand == Operand.BF16 ? i / 2 : i]);
            float value = Float.intBitsToFloat(operand == Operand.TF32 ? bits : i % 2 == 0 ? bits << 16
                    : bits & 0xffff0000);
            if (i % padded < channels) {
                values[i / padded * channels + i % padded] = value;
            } else if (value != 0) {
                throw new AssertionError("the padding at " + i + " is " + value);
            }
        }
        return values;
    }
}
