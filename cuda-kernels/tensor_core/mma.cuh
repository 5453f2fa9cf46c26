// The instructions of tensor cores (PTX manual, "Warp Level Matrix Multiply-Accumulate" and "ldmatrix"), for operands
// in bfloat16 or tf32. In bytes both are alike: a fragment of A is 16 rows of 32 bytes, one of B 8 columns of 32 bytes
// (k of 16 or 8), both contiguous along k. So all but mma itself is the same code.
#pragma once
#include "tensor_core/operand.cuh"

namespace tensor_core {

// c (16, 8) += a (16, 16) * b (16, 8).
__device__ __forceinline__ void multiply(BFloat16, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// c (16, 8) += a (16, 8) * b (8, 8).
__device__ __forceinline__ void multiply(Tf32, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8 x 16-byte matrices from shared memory; lanes 8 i to 8 i + 7 give the addresses of the rows of matrix i.
__device__ __forceinline__ void loadMatrices(unsigned (&to)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address));
}
// The same, each matrix of 8 x 8 values of 2 bytes transposed, OFFSET bytes from the addresses.
template <int OFFSET> __device__ __forceinline__ void loadMatricesTransposed(unsigned (&to)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4 + %5];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address), "n"(OFFSET));
}
// One word from shared memory.
template <int OFFSET> __device__ __forceinline__ unsigned loadWord(unsigned address) {
    unsigned value;
    asm volatile("ld.shared.u32 %0, [%1 + %2];" : "=r"(value) : "r"(address), "n"(OFFSET));
    return value;
}

// 16 bytes from global to shared memory, past the registers. `bytes` of them are read, 16 or 0; the rest is zeros. If
// CACHED, through the L1 cache.
template <bool CACHED> __device__ __forceinline__ void copyAsync(unsigned to, const void *from, unsigned bytes) {
    if constexpr (CACHED)
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(bytes));
    else
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(bytes));
}
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;"); }
// Waits until at most PENDING of the committed groups of this thread are not done.
template <int PENDING> __device__ __forceinline__ void waitForCopies() {
    asm volatile("cp.async.wait_group %0;" :: "n"(PENDING));
}

__device__ __forceinline__ unsigned sharedAddress(const void *pointer) {
    return (unsigned)__cvta_generic_to_shared(pointer);
}

}
