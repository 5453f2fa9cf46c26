// The tile of the matrix product that a block computes, and the block's place among the tiles.
#pragma once

namespace convolution {

// A tile of M x N, in steps of K. Each thread accumulates THREAD_M x THREAD_N of it.
template <int M_, int N_, int K_, int THREAD_M_, int THREAD_N_> struct Tile {
    static constexpr int M = M_, N = N_, K = K_, THREAD_M = THREAD_M_, THREAD_N = THREAD_N_;
    static constexpr int THREADS = M / THREAD_M * (N / THREAD_N);
    // Of a multiprocessor, for __launch_bounds__: a thread then has 128 registers. Of blocks with 64 threads, as many
    // as fit in 64 KiB of shared memory.
    static constexpr int MIN_BLOCKS = THREADS > 64 ? 512 / THREADS : 7;
};

// The first row and column of the block's tile, in a product of so many columns. Tiles of the same rows have
// consecutive numbers: they run at the same time and share operand A in the L2 cache.
template <class Tile, int COLUMNS> __device__ int tileRow() {
    return blockIdx.x / ((COLUMNS + Tile::N - 1) / Tile::N) * Tile::M;
}
template <class Tile, int COLUMNS> __device__ int tileColumn() {
    return blockIdx.x % ((COLUMNS + Tile::N - 1) / Tile::N) * Tile::N;
}

}
