// C = A*B or C += A*B for matrices in cache: the products between the transforms of winograd.h.
//
// C is (rows, columns) with row pitch ldc, B (depth, columns) with row pitch ldb, columns a multiple of the vector's
// lanes. Element (r, k) of A is at a + r*row_step + k*depth_step, so that A may be given transposed.
//
// A block of C stays in registers while `depth` outer products are added: each step loads a vector of B for each
// column of vectors and broadcasts one value of A for each row. It is bound by the multiply-adds as long as there are
// fewer loads: 8 loads for 16 multiply-adds with AVX-512, 6 for 8 with AVX2.
#pragma once

#include <cstddef>

#include "vectors.h"

namespace framecast {
namespace FRAMECAST_ISA {
namespace {

// Four rows: most bands have a multiple of four tiles. Remaining rows are computed one at a time.
constexpr int block_rows = 4;
#ifdef __AVX512F__
constexpr int block_vectors = 4;
#else
constexpr int block_vectors = 2;
#endif

template <int rows, int vectors, bool accumulate>
inline void block_product(size_t depth, const float *a, size_t row_step, size_t depth_step, const float *b, size_t ldb,
        float *c, size_t ldc) {
    Vector sum[rows][vectors];
    // Prefetch the next block of rows: it arrives during the multiply-adds of this one.
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            __builtin_prefetch(c + (rows + r) * ldc + v * lanes, 1);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sum[r][v] = accumulate ? load(c + r * ldc + v * lanes) : Vector{};
        }
    }
    for (size_t k = 0; k < depth; k++, a += depth_step, b += ldb) {
        Vector row[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            row[v] = load(b + v * lanes);
        }
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const float value = a[r * row_step];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                sum[r][v] += value * row[v];
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            store(c + r * ldc + v * lanes, sum[r][v]);
        }
    }
}

template <int vectors, bool accumulate>
inline void column_product(size_t rows, size_t depth, const float *a, size_t row_step, size_t depth_step,
        const float *b, size_t ldb, float *c, size_t ldc) {
    for (; rows >= block_rows; rows -= block_rows, a += block_rows * row_step, c += block_rows * ldc) {
        block_product<block_rows, vectors, accumulate>(depth, a, row_step, depth_step, b, ldb, c, ldc);
    }
    for (; rows > 0; rows--, a += row_step, c += ldc) {
        block_product<1, vectors, accumulate>(depth, a, row_step, depth_step, b, ldb, c, ldc);
    }
}

template <bool accumulate>
inline void product(size_t rows, size_t columns, size_t depth, const float *a, size_t row_step, size_t depth_step,
        const float *b, size_t ldb, float *c, size_t ldc) {
    constexpr int wide = block_vectors * lanes;
    for (; columns >= wide; columns -= wide, b += wide, c += wide) {
        column_product<block_vectors, accumulate>(rows, depth, a, row_step, depth_step, b, ldb, c, ldc);
    }
    for (; columns > 0; columns -= lanes, b += lanes, c += lanes) {
        column_product<1, accumulate>(rows, depth, a, row_step, depth_step, b, ldb, c, ldc);
    }
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
