package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;

import io.framecast.backend.Precision;

/**
 * The type of tensor cores' operands in memory, and its layout: channels are padded by zeros to whole chunks of 16
 * bytes; see cuda-kernels/operands.cu.
 */
public enum Operand {
    BF16("BFloat16", Short.BYTES),
    /** Float32 whose lowest 13 bits are zero. */
    TF32("Tf32", Float.BYTES);

    private static final int CHUNK_BYTES = 16;

    /** The longest step of a main loop along k. */
    private static final int STEP_BYTES = 128;

    private final String cudaName;
    private final int bytes;

    Operand(String cudaName, int bytes) {
        this.cudaName = cudaName;
        this.bytes = bytes;
    }

    /** @throws IllegalArgumentException if convolutions of this precision do not use tensor cores */
    public static Operand of(Precision precision) {
        return switch (precision) {
            case BF16 -> BF16;
            case TF32 -> TF32;
            case FP32 -> throw new IllegalArgumentException("float32 is no operand of tensor cores");
        };
    }

    /** Of a value. */
    public int bytes() {
        return bytes;
    }

    /** How many channels a pixel has in memory. */
    public int padded(int channels) {
        int chunk = CHUNK_BYTES / bytes;
        return Math.multiplyExact(ceilDiv(channels, chunk), chunk);
    }

    /** The length of packed weights along k, for so many. */
    int packedDepth(int k) {
        int step = STEP_BYTES / bytes;
        return Math.multiplyExact(ceilDiv(k, step), step);
    }

    /** The columns of packed weights, for so many of a product. */
    static int packedColumns(int columns) {
        return Math.multiplyExact(ceilDiv(columns, 16), 16);
    }

    /** The columns of packed weights of a ConvLSTM's gates. */
    static int gateColumns(int filters) {
        return Math.multiplyExact(ceilDiv(filters, 16), 64);
    }

    /** The type of cuda-kernels/tensor_core/operand.cuh. */
    public String typeName() {
        return cudaName;
    }

    /** The compiler's option. */
    String option() {
        return "-DOPERAND=" + cudaName;
    }
}
