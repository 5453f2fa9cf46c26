package io.framecast.backend;

/**
 * What a device was measured to do at most; NaN where that is not known.
 *
 * @param matmul floating-point operations a second of a large matrix product at the backend's precision, a
 *     multiply-add being two
 * @param matmulFp32 the same in float32
 * @param matmulBf16 the same of bfloat16 operands
 * @param copy bytes a second of a large copy in memory, those read and those written both counted
 */
public record Ceilings(double matmul, double matmulFp32, double matmulBf16, double copy) {

    /** Nothing was measured. */
    public static final Ceilings UNKNOWN = new Ceilings(Double.NaN, Double.NaN, Double.NaN, Double.NaN);

    /**
     * The higher ones of two measurements: where others use the machine, too, one may have been hindered.
     *
     * @param other another measurement of the same device
     * @return the maximum of each rate
     */
    public Ceilings orHigher(Ceilings other) {
        return new Ceilings(Math.max(matmul, other.matmul), Math.max(matmulFp32, other.matmulFp32),
                Math.max(matmulBf16, other.matmulBf16), Math.max(copy, other.copy));
    }
}
