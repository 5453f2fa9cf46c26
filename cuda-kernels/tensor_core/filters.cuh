// Operand B of forward and backward data: packed weights (operands.cu), a matrix (COLUMNS, K) contiguous along k, in
// chunks of 16 bytes. K is a multiple of any step.
#pragma once
#include "tensor_core/chunk_map.cuh"
#include "tensor_core/packed.cuh"

namespace tensor_core {

template <class T, class Tile, int COLUMNS, int K> class FilterIterator {
    static constexpr int STEP = Tile::STEP_BYTES / sizeof(T), CHUNK = 16 / sizeof(T);
    static_assert(K % STEP == 0, "whole steps");

public:
    static constexpr bool REUSED = false;
    using Map = ChunkMap<Tile::THREADS, Tile::N, Tile::STEP_BYTES, 8>;

    // n: the tile's first column.
    __device__ __forceinline__ FilterIterator(const T *w, int n)
            : from(w + (size_t)(n + Map::row(0)) * K + Map::chunk() * CHUNK), left(COLUMNS - n - Map::row(0)) {}
    __device__ __forceinline__ const T *source(int i) const { return from + i * Map::STRIDE * K; }
    __device__ __forceinline__ unsigned bytes(int i) const {
        return COLUMNS % Tile::N == 0 || i * Map::STRIDE < left ? 16 : 0;
    }
    __device__ __forceinline__ void advance() { from += STEP; }

private:
    const T *from;
    int left;        // columns
};

}
