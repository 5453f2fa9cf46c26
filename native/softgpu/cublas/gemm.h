// C = alpha * op(A) * op(B) + beta * C for one matrix or a batch of them.
#pragma once

#include "cublas/api.h"

namespace softgpu::cublas {

// Column-major matrices of one size: one matrix, a batch with a constant stride, or a batch given by an array of
// pointers in device memory.
struct Matrices {
    uint64_t address = 0;       // of the first matrix, or of the array of pointers
    bool by_pointers = false;
    int64_t distance = 0;       // from one to the next, in elements
    Number type = Number::f32;
    int64_t rows = 0, columns = 0, ld = 0;
};

struct GemmJob {
    const char *function;
    bool transpose_a, transpose_b;
    int64_t m, n, k, batch;
    Matrices a, b, c;
    Factor alpha, beta;
    Rounding rounding;          // rounding of A and B before the product
    bool half_sums;             // CUBLAS_COMPUTE_16F: every step rounds to half

    int run() const;
};

// The arguments of a GEMM, with 64-bit sizes.
struct GemmCall {
    cublasOperation_t transpose_a, transpose_b;
    int64_t m, n, k;
    const void *alpha, *beta;
    struct {
        const void *address;
        cudaDataType type;
        int64_t ld;
        int64_t distance = 0;
    } a, b, c;
    cublasComputeType_t compute;
    int64_t batch = 1;
    bool by_pointers = false;
    cublasGemmAlgo_t algorithm = CUBLAS_GEMM_DEFAULT;
};

cublasStatus_t gemm(const char *function, cublasHandle_t handle, const GemmCall &call);

}  // namespace softgpu::cublas
