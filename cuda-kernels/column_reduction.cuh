// Reductions of the columns of a row-major matrix (rows, columns), deterministic: the launch shape fixes the order.
//
// A block of 256 threads takes some columns, a thread WIDTH of them (4 where columns are a multiple of 4, else 1), and
// as many rows at once as there are threads for: neighbouring threads read neighbouring values whatever the number of
// columns. The results of a column's threads are merged in shared memory, in a tree, and make one row of `partial` for
// each block.
//
// Launch: grid (parts, tiles), block 256; at most 256 * WIDTH columns a tile.
#pragma once
#include "vector.cuh"

constexpr int THREADS = 256;

// The rows and columns of a thread.
template <int WIDTH> struct ColumnMap {
    int rowThreads;    // threads of the block in one row
    int rows;          // that the block takes at once
    int row, column;   // the thread's: its row among them, its first column in the matrix
    bool inside;

    __device__ explicit ColumnMap(int columns) {
        const int groups = columns / WIDTH;
        rowThreads = (groups + gridDim.y - 1) / gridDim.y;
        rows = THREADS / rowThreads;
        row = threadIdx.x / rowThreads;
        column = (blockIdx.y * rowThreads + threadIdx.x % rowThreads) * WIDTH;
        inside = row < rows && column < columns;
    }

    // Calls body(r) for the thread's rows.
    template <class Body> __device__ void eachRow(int all, Body body) const {
        if (!inside) return;
#pragma unroll 4
        for (int r = blockIdx.x * rows + row; r < all; r += gridDim.x * rows) body(r);
    }
};

// N sums of a column. What can be reduced is a struct like this: PARTS floats, zeros at first, and merge() with the
// result of other rows.
template <int N> struct Sums {
    static constexpr int PARTS = N;
    float part[N] = {};

    __device__ void merge(const Sums &other) {
#pragma unroll
        for (int p = 0; p < N; p++) part[p] += other.part[p];
    }
};

// Loads or stores the results of WIDTH columns: PARTS vectors, at distances of `stride`.
template <class Result, int WIDTH> __device__ void load(Result (&results)[WIDTH], const float *from, size_t stride) {
#pragma unroll
    for (int p = 0; p < Result::PARTS; p++) {
        const Vector<WIDTH> parts = Vector<WIDTH>::load(from + p * stride);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) results[j].part[p] = parts.v[j];
    }
}

template <class Result, int WIDTH> __device__ void store(const Result (&results)[WIDTH], float *to, size_t stride) {
#pragma unroll
    for (int p = 0; p < Result::PARTS; p++) {
        Vector<WIDTH> parts;
#pragma unroll
        for (int j = 0; j < WIDTH; j++) parts.v[j] = results[j].part[p];
        parts.store(to + p * stride);
    }
}

// Merges the results of the block's threads, of each column into the thread of its first row.
template <class Result, int WIDTH> __device__ void mergeRows(Result (&results)[WIDTH], const ColumnMap<WIDTH> &map) {
    __shared__ __align__(16) float shared[Result::PARTS][THREADS * WIDTH];
    float *own = shared[0] + threadIdx.x * WIDTH;
    store(results, own, THREADS * WIDTH);
    for (int n = map.rows, half; n > 1; n = half) {
        half = (n + 1) / 2;
        __syncthreads();
        if (map.row + half < n) {
            Result other[WIDTH];
            load(other, own + half * map.rowThreads * WIDTH, THREADS * WIDTH);
#pragma unroll
            for (int j = 0; j < WIDTH; j++) results[j].merge(other[j]);
            store(results, own, THREADS * WIDTH);
        }
    }
}

// First pass: the block's row of partial (PARTS, parts, columns), from the results of its threads.
template <class Result, int WIDTH>
__device__ void storePartial(float *partial, Result (&results)[WIDTH], int columns, const ColumnMap<WIDTH> &map) {
    mergeRows(results, map);
    if (map.inside && map.row == 0)
        store(results, partial + (size_t)blockIdx.x * columns + map.column, (size_t)gridDim.x * columns);
}

// Second pass, in a grid (1, tiles): merges the rows of partial (PARTS, parts, columns). The thread of a column's first
// row returns the result.
template <class Result>
__device__ Result reducePartial(const float *partial, int parts, int columns, const ColumnMap<1> &map) {
    Result result[1];
    map.eachRow(parts, [&](int r) {
        Result other[1];
        load(other, partial + (size_t)r * columns + map.column, (size_t)parts * columns);
        result[0].merge(other[0]);
    });
    mergeRows(result, map);
    return result[0];
}
