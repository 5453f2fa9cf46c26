// The epilogue of a convolution: from accumulators to global memory, with bias, or added to what is there.
#pragma once
#include "convolution/tile.cuh"

namespace convolution {

// One store of 16 bytes. The compiler may split a plain assignment, and the accesses of a warp would not coalesce.
__device__ __forceinline__ void store16(float *to, float4 v) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};"
                 :: "l"(to), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
}

// For a row-major matrix of N columns.
template <class Accumulators, int N> class Epilogue {
    using Tile = typename Accumulators::Tile;

    static constexpr bool VECTORS = N % 4 == 0;
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
            float4 b[Accumulators::COLUMN_GROUPS];
            if (bias) {
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j += 4)
                    if (const int n = column + Accumulators::column(j); n < N)
                        b[j / 4] = *reinterpret_cast<const float4 *>(bias + n);
            }
#pragma unroll
            for (int i = 0; i < Accumulators::ROWS; i++) {
                const int m = row + Accumulators::row(i);
                if (m >= rows) continue;
                const float *values = accumulators.value[i];
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j += 4) {
                    const int n = column + Accumulators::column(j);
                    if (N % Tile::N != 0 && n >= N) continue;
                    float *to = y + (size_t)m * N + n;
                    float4 v = {values[j], values[j + 1], values[j + 2], values[j + 3]};
                    if (bias) v.x += b[j / 4].x, v.y += b[j / 4].y, v.z += b[j / 4].z, v.w += b[j / 4].w;
                    if (accumulate) {
                        const float4 old = *reinterpret_cast<const float4 *>(to);
                        v.x += old.x, v.y += old.y, v.z += old.z, v.w += old.w;
                    }
                    store16(to, v);
                }
            }
        } else {
            // Staged in shared memory, so that neighbouring lanes write neighbouring values.
            const int width = N <= Tile::N ? N : min(N - column, Tile::N);
#pragma unroll
            for (int g = 0; g < Accumulators::ROW_GROUPS; g++) {
                __syncthreads();
#pragma unroll
                for (int j = 0; j < Accumulators::COLUMNS; j++) {
                    const int n = Accumulators::column(j);
                    if (n >= width) continue;
#pragma unroll
                    for (int i = 0; i < 4; i++)
                        shared.staged[Accumulators::row(i) * width + n] = accumulators.value[4 * g + i][j];
                }
                __syncthreads();
                const int first = row + g * STAGED_ROWS, count = min(STAGED_ROWS, rows - first) * width;
                for (int i = threadIdx.x; i < count; i += Tile::THREADS) {
                    const int n = column + i % width;
                    float *to = y + (size_t)(first + i / width) * N + n;
                    *to = shared.staged[i] + (bias ? bias[n] : 0) + (accumulate ? *to : 0);
                }
            }
        }
    }
};

}
