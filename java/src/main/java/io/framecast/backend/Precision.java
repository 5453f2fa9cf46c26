package io.framecast.backend;

/**
 * The type of the operands of convolutions. Sums, master weights, cell states, batch-norm statistics and the optimiser
 * are always float32.
 */
public enum Precision {
    /** float32 operands and sums. */
    FP32,
    /** bfloat16 operands, float32 sums. */
    BF16,
    /** TensorFloat-32 operands, float32 sums; CUDA only. */
    TF32
}
