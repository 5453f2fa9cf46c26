// What a thread accumulates of the block's tile, and where in the tile that is: all that an epilogue knows of a main
// loop. This is the layout of multiply-adds on CUDA cores.
#pragma once

namespace convolution {

// A thread's THREAD_M x THREAD_N values are groups of 4 x 4, M / ROW_GROUPS rows and N / COLUMN_GROUPS columns apart:
// the lanes of a warp read consecutive words of shared memory.
template <class Tile_> struct Accumulators {
    using Tile = Tile_;
    static constexpr int ROWS = Tile::THREAD_M, COLUMNS = Tile::THREAD_N;
    static constexpr int ROW_GROUPS = ROWS / 4, COLUMN_GROUPS = COLUMNS / 4, VECTOR = 4;

    float sum[ROWS][COLUMNS] = {};

    __device__ __forceinline__ float value(int i, int j) const { return sum[i][j]; }
    static __device__ __forceinline__ bool owns(int) { return true; }

    // The place in the tile of the thread's i-th row and j-th column; four columns from a multiple of 4 on are
    // consecutive.
    static __device__ int row(int i) { return i / 4 * (Tile::M / ROW_GROUPS) + threadRow() * 4 + i % 4; }
    static __device__ int column(int j) { return j / 4 * (Tile::N / COLUMN_GROUPS) + threadColumn() * 4 + j % 4; }

    // Where the i-th row of a group is among the rows that all threads have of this group, and the row of the tile that
    // one of those is.
    static __device__ int stagedRow(int i) { return threadRow() * 4 + i; }
    static __device__ int rowOfStaged(int group, int staged) { return group * (Tile::M / ROW_GROUPS) + staged; }

private:
    // Threads of the block in a row; the lanes of a warp form a rectangle, whose fragments of A and of B each are read
    // in one access.
    static constexpr int THREADS_N = Tile::N / Tile::THREAD_N;
    static constexpr int LANES_N = THREADS_N < 8 ? THREADS_N : 8, LANES_M = 32 / LANES_N;

    static __device__ int threadRow() {
        return threadIdx.x / 32 / (THREADS_N / LANES_N) * LANES_M + threadIdx.x % 32 / LANES_N;
    }
    static __device__ int threadColumn() {
        return threadIdx.x / 32 % (THREADS_N / LANES_N) * LANES_N + threadIdx.x % LANES_N;
    }
};

}
