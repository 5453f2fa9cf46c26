// The epilogue of a convolution: from accumulators to global memory, with bias, or added to what is there.
#pragma once
#include "convolution/tile.cuh"
#include "vector.cuh"

namespace convolution {

// One store. The compiler may split a plain assignment, and the accesses of a warp would not coalesce.
__device__ __forceinline__ void storeVector(float *to, const Vector<4> &v) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};"
                 :: "l"(to), "f"(v.v[0]), "f"(v.v[1]), "f"(v.v[2]), "f"(v.v[3]) : "memory");
}
__device__ __forceinline__ void storeVector(float *to, const Vector<2> &v) {
    asm volatile("st.global.v2.f32 [%0], {%1, %2};" :: "l"(to), "f"(v.v[0]), "f"(v.v[1]) : "memory");
}

// For a row-major matrix of N columns.
template <class Accumulators, int N> class Epilogue {
    using Tile = typename Accumulators::Tile;

    static constexpr int VECTOR = Accumulators::VECTOR;
    static constexpr bool VECTORS = N % VECTOR == 0;
    // Rows that are staged at once: a group of each thread.
    static constexpr int STAGED_ROWS = Tile::M / Accumulators::ROW_GROUPS;
    static constexpr int STAGED_COLUMNS = N < Tile::N ? N : Tile::N;

public:
    struct SharedStorage {
        float staged[VECTORS ? 1 : STAGED_ROWS * STAGED_COLUMNS];
    };

    // y (rows, N) = accumulators, or += them if `accumulate`; plus bias (N), if it is not null.
    static __device__ __forceinline__ void store(float *y, int rows, const float *bias, bool accumulate,
            SharedStorage &shared, const Accumulators &accumulators) {
        const int row = tileRow<Tile, N>(), column = tileColumn<Tile, N>();
        if constexpr (VECTORS) {
            Vector<VECTOR> b[Accumulators::COLUMNS / VECTOR];
            if (bias) {
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j += VECTOR)
                    if (const int n = column + Accumulators::column(j); n < N)
                        b[j / VECTOR] = Vector<VECTOR>::load(bias + n);
            }
#pragma unroll
            for (int i = 0; i < Accumulators::ROWS; i++) {
                const int m = row + Accumulators::row(i);
                if (m >= rows || !Accumulators::owns(i)) continue;
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j += VECTOR) {
                    const int n = column + Accumulators::column(j);
                    if (N % Tile::N != 0 && n >= N) continue;
                    float *to = y + (size_t)m * N + n;
                    Vector<VECTOR> v;
#pragma unroll
                    for (int e = 0; e < VECTOR; e++) {
                        v.v[e] = accumulators.value(i, j + e);
                        if (bias) v.v[e] += b[j / VECTOR].v[e];
                    }
                    if (accumulate) {
                        const Vector<VECTOR> old = Vector<VECTOR>::load(to);
#pragma unroll
                        for (int e = 0; e < VECTOR; e++) v.v[e] += old.v[e];
                    }
                    storeVector(to, v);
                }
            }
        } else {
            // Staged in shared memory, so that neighbouring lanes write neighbouring values.
            const int width = N <= Tile::N ? N : min(N - column, Tile::N);
#pragma unroll
            for (int g = 0; g < Accumulators::ROW_GROUPS; g++) {
                constexpr int GROUP = Accumulators::ROWS / Accumulators::ROW_GROUPS;
                __syncthreads();
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j++) {
                    const int n = Accumulators::column(j);
                    if (n >= width || !Accumulators::owns(GROUP * g)) continue;
#pragma unroll
                    for (int i = 0; i < GROUP; i++)
                        shared.staged[Accumulators::stagedRow(i) * width + n] = accumulators.value(GROUP * g + i, j);
                }
                __syncthreads();
                for (int i = threadIdx.x; i < STAGED_ROWS * width; i += Tile::THREADS) {
                    const int m = row + Accumulators::rowOfStaged(g, i / width), n = column + i % width;
                    if (m >= rows) continue;
                    float *to = y + (size_t)m * N + n;
                    *to = shared.staged[i] + (bias ? bias[n] : 0) + (accumulate ? *to : 0);
                }
            }
        }
    }
};

}
