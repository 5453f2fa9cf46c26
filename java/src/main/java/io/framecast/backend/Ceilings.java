package io.framecast.backend;

/**
 * Measured peak rates of a device; NaN if unknown.
 *
 * @param matmul FLOP/s of a large matrix product at the backend's precision; a multiply-add counts as two
 * @param matmulFp32 FLOP/s of a large matrix product in float32
 * @param matmulBf16 FLOP/s of a large matrix product with bfloat16 operands
 * @param copy bytes per second of a large copy in memory; bytes read and bytes written both count
 */
public record Ceilings(double matmul, double matmulFp32, double matmulBf16, double copy) {

    /** Nothing was measured. */
    public static final Ceilings UNKNOWN = new Ceilings(Double.NaN, Double.NaN, Double.NaN, Double.NaN);

    /**
     * The maximum of two measurements: on a shared machine, one may have been slowed down.
     *
     * @param other another measurement of the same device
     * @return the maximum of each rate
     */
    public Ceilings orHigher(Ceilings other) {
        return new Ceilings(Math.max(matmul, other.matmul), Math.max(matmulFp32, other.matmulFp32),
                Math.max(matmulBf16, other.matmulBf16), Math.max(copy, other.copy));
    }
}
