package io.framecast.backend;

/**
 * What convolutions multiply. Sums, master weights, cell states, batch-norm statistics and the optimiser are float32
 * in all of them.
 */
public enum Precision {
    /** float32 operands and sums. */
    FP32,
    /** bfloat16 operands, float32 sums. */
    BF16,
    /** TensorFloat-32 operands, float32 sums; CUDA only. */
    TF32
}
