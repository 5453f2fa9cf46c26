// Fragments of the operands of mma, loaded from a stage of shared memory and multiplied.
#pragma once
#include "tensor_core/mma.cuh"
#include "tensor_core/shared_tile.cuh"
#include "tensor_core/tile.cuh"

namespace tensor_core {

// Adds the products of a warp's fragments of one k of mma.
template <class Operand, class Accumulators, int M, int PAIRS>
__device__ __forceinline__ void multiplyFragments(const unsigned (&a)[M][4], const unsigned (&b)[PAIRS][4],
        Accumulators &accumulators) {
#pragma unroll
    for (int i = 0; i < M; i++)
#pragma unroll
        for (int j = 0; j < PAIRS; j++) {
            multiply(Operand(), accumulators.fragment[i][2 * j], a[i], b[j][0], b[j][1]);
            multiply(Operand(), accumulators.fragment[i][2 * j + 1], a[i], b[j][2], b[j][3]);
        }
}

// Keeps a value in a register through a loop, where the compiler would compute it again in each turn.
__device__ __forceinline__ unsigned kept(unsigned value) {
    asm volatile("" : "+r"(value));
    return value;
}

// Both operands contiguous along k.
template <class Operand, class Tile> struct RowFragments {
    using Accumulators = TensorAccumulators<Tile, true>;
    using TileA = RowTile<Tile::M, Tile::STEP_BYTES>;
    using TileB = RowTile<Tile::N, Tile::STEP_BYTES>;

    // Of the chunk 2 k + 0 or 1 of a row, the swizzle exchanges bits that 2 k sets or not: one exclusive or for each k;
    // rows 16 further on have the same swizzle.
    __device__ __forceinline__ RowFragments() {
        const int lane = threadIdx.x % 32, chunk = 2 * Tile::slice();
        laneA = kept(TileA::offset(Tile::warpRow() + lane % 16, chunk + lane / 16));
        laneB = kept(TileA::BYTES + TileB::offset(Tile::warpColumn() + lane % 8 + lane / 16 * 8, chunk + lane / 8 % 2));
    }

    __device__ __forceinline__ void multiply(unsigned stage, Accumulators &accumulators) const {
        const unsigned firstA = stage + laneA, firstB = stage + laneB;
#pragma unroll
        for (int k = 0; k < Tile::STEP_BYTES; k += 32 * Tile::WARPS_K) {
            unsigned a[Tile::WARP_M / 16][4], b[Tile::WARP_N / 16][4];
#pragma unroll
            for (int i = 0; i < Tile::WARP_M / 16; i++) loadMatrices(a[i], (firstA ^ k) + 16 * i * Tile::STEP_BYTES);
#pragma unroll
            for (int j = 0; j < Tile::WARP_N / 16; j++) loadMatrices(b[j], (firstB ^ k) + 16 * j * Tile::STEP_BYTES);
            multiplyFragments<Operand>(a, b, accumulators);
        }
    }

private:
    unsigned laneA, laneB;      // offsets in a stage of the lane's row in the first matrices
};

// A contiguous along m, B along n.
template <class Operand, class Tile> struct ColumnFragments {
    using Accumulators = TensorAccumulators<Tile, false>;
    static constexpr int VALUE_BYTES = sizeof(typename Operand::Storage), STEP = Tile::STEP_BYTES / VALUE_BYTES;
    using TileA = ColumnTile<STEP, Tile::M * VALUE_BYTES, VALUE_BYTES>;
    using TileB = ColumnTile<STEP, Tile::N * VALUE_BYTES, VALUE_BYTES>;
    static_assert(Tile::WARPS_K == 1, "no slices");
    static_assert((Tile::WARP_M == 32 || Tile::WARP_M == 64) && (Tile::WARP_N == 32 || Tile::WARP_N == 64),
            "the chunks of a warp are 4, 8 or 16, from a multiple of that on: exclusive or instead of addition");

    // Of 2-byte values, transposing ldmatrix takes 8 rows of k and a chunk of m or n: the swizzle depends on the row
    // modulo 8, which is the lane's in all of its matrices. Of 4-byte values, which ldmatrix cannot transpose, a lane
    // loads words of row t + 4 h of k and column g (see the PTX manual's figures of m16n8k8): the swizzle depends on t.
    __device__ __forceinline__ ColumnFragments() {
        const int lane = threadIdx.x % 32, t = lane % 4, g = lane / 4;
        if constexpr (VALUE_BYTES == 2) {
            laneA = kept(TileA::offset(lane % 8 + lane / 16 * 8, Tile::warpRow() / 8 + lane / 8 % 2));
            laneB = kept(TileA::BYTES + TileB::offset(lane % 16, Tile::warpColumn() / 8 + lane / 16));
        } else {
            laneA = kept(TileA::offset(t, Tile::warpRow() / 4 + g / 4) + g % 4 * 4);
            laneB = kept(TileA::BYTES + TileB::offset(t, Tile::warpColumn() / 4 + g / 4) + g % 4 * 4);
        }
    }

    __device__ __forceinline__ void multiply(unsigned stage, Accumulators &accumulators) const {
        multiplyFrom<0>(stage + laneA, stage + laneB, accumulators);
    }

private:
    // From row K of k on, which is a constant: the compiler for the GPU has its offset within the loads.
    template <int K>
    static __device__ __forceinline__ void multiplyFrom(unsigned firstA, unsigned firstB, Accumulators &accumulators) {
        unsigned a[Tile::WARP_M / 16][4], b[Tile::WARP_N / 16][4];
        if constexpr (VALUE_BYTES == 2) {
#pragma unroll
            for (int i = 0; i < Tile::WARP_M / 16; i++)
                loadMatricesTransposed<K * TileA::ROW_BYTES>(a[i], firstA ^ 32 * i);
#pragma unroll
            for (int j = 0; j < Tile::WARP_N / 16; j++)
                loadMatricesTransposed<K * TileB::ROW_BYTES>(b[j], firstB ^ 32 * j);
        } else {
#pragma unroll
            for (int i = 0; i < Tile::WARP_M / 16; i++)
#pragma unroll
                for (int q = 0; q < 2; q++) {
                    a[i][q] = loadWord<K * TileA::ROW_BYTES>(firstA ^ 64 * i + 32 * q);
                    a[i][q + 2] = loadWord<(K + 4) * TileA::ROW_BYTES>(firstA ^ 64 * i + 32 * q);
                }
#pragma unroll
            for (int j = 0; j < Tile::WARP_N / 16; j++)
#pragma unroll
                for (int q = 0; q < 2; q++) {
                    b[j][2 * q] = loadWord<K * TileB::ROW_BYTES>(firstB ^ 64 * j + 32 * q);
                    b[j][2 * q + 1] = loadWord<(K + 4) * TileB::ROW_BYTES>(firstB ^ 64 * j + 32 * q);
                }
        }
        multiplyFragments<Operand>(a, b, accumulators);
        constexpr int NEXT = K + 32 / VALUE_BYTES;
        if constexpr (NEXT < STEP) multiplyFrom<NEXT>(firstA, firstB, accumulators);
    }

    unsigned laneA, laneB;      // offsets in a stage of what the lane loads first
};

}
