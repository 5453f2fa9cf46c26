// Reductions down the columns of a matrix (rows, columns), in an order that the shape of the launch fixes.
//
// A block of 256 threads takes some columns, a thread WIDTH of them (4, where columns come in fours, else 1), with as
// many rows at once as there are threads for: neighbouring threads read neighbouring values whatever the number of
// columns. What the threads of a column found is folded in shared memory, and makes one row of `partial` for each
// block.
//
// Launch: grid (parts, tiles), block 256; at most 256 * WIDTH columns a tile.
#pragma once

constexpr int THREADS = 256;

// Where a thread of such a block stands.
template <int WIDTH> struct Tile {
    int lanes;         // threads side by side in a row
    int rows;          // that the block takes at once
    int row, column;   // the thread's: its row among them, its first column in the matrix
    bool inside;

    __device__ explicit Tile(int columns) {
        const int groups = columns / WIDTH;
        lanes = (groups + gridDim.y - 1) / gridDim.y;
        rows = THREADS / lanes;
        row = threadIdx.x / lanes;
        column = (blockIdx.y * lanes + threadIdx.x % lanes) * WIDTH;
        inside = row < rows && column < columns;
    }

    // Calls body(r) for the thread's rows.
    template <class Body> __device__ void eachRow(int all, Body body) const {
        if (!inside) return;
#pragma unroll 4
        for (int r = blockIdx.x * rows + row; r < all; r += gridDim.x * rows) body(r);
    }
};

template <int WIDTH> struct Values {
    float v[WIDTH];

    __device__ static Values load(const float *p) {
        Values values;
        if constexpr (WIDTH == 4)
            *reinterpret_cast<float4 *>(values.v) = *reinterpret_cast<const float4 *>(p);
        else
            values.v[0] = *p;
        return values;
    }
    __device__ void store(float *p) const {
        if constexpr (WIDTH == 4)
            *reinterpret_cast<float4 *>(p) = *reinterpret_cast<const float4 *>(v);
        else
            *p = v[0];
    }
};

// PARTS sums of a column. What can be reduced has PARTS numbers, zeros to begin with, and merges with the like of
// other rows.
template <int N> struct Sums {
    static constexpr int PARTS = N;
    float part[N] = {};

    __device__ void merge(const Sums &other) {
#pragma unroll
        for (int p = 0; p < N; p++) part[p] += other.part[p];
    }
};

// Reads or writes WIDTH columns; the parts lie `stride` apart.
template <class Value, int WIDTH> __device__ void get(Value (&values)[WIDTH], const float *from, size_t stride) {
#pragma unroll
    for (int p = 0; p < Value::PARTS; p++) {
        const Values<WIDTH> read = Values<WIDTH>::load(from + p * stride);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) values[j].part[p] = read.v[j];
    }
}

template <class Value, int WIDTH> __device__ void put(const Value (&values)[WIDTH], float *to, size_t stride) {
#pragma unroll
    for (int p = 0; p < Value::PARTS; p++) {
        Values<WIDTH> written;
#pragma unroll
        for (int j = 0; j < WIDTH; j++) written.v[j] = values[j].part[p];
        written.store(to + p * stride);
    }
}

// Merges what the block's threads found of each column, into the thread of its first row.
template <class Value, int WIDTH> __device__ void fold(Value (&values)[WIDTH], const Tile<WIDTH> &tile) {
    __shared__ __align__(16) float shared[Value::PARTS][THREADS * WIDTH];
    float *own = shared[0] + threadIdx.x * WIDTH;
    put(values, own, THREADS * WIDTH);
    for (int n = tile.rows, half; n > 1; n = half) {
        half = (n + 1) / 2;
        __syncthreads();
        if (tile.row + half < n) {
            Value other[WIDTH];
            get(other, own + half * tile.lanes * WIDTH, THREADS * WIDTH);
#pragma unroll
            for (int j = 0; j < WIDTH; j++) values[j].merge(other[j]);
            put(values, own, THREADS * WIDTH);
        }
    }
}

// Folds, and writes the block's row of partial (PARTS, parts, columns).
template <class Value, int WIDTH>
__device__ void foldInto(float *partial, Value (&values)[WIDTH], int columns, const Tile<WIDTH> &tile) {
    fold(values, tile);
    if (tile.inside && tile.row == 0)
        put(values, partial + (size_t)blockIdx.x * columns + tile.column, (size_t)gridDim.x * columns);
}

// Merges the rows of partial (PARTS, parts, columns), in a grid (1, tiles). The result is that of the thread of the
// first row.
template <class Value> __device__ Value gather(const float *partial, int parts, int columns, const Tile<1> &tile) {
    Value value[1];
    tile.eachRow(parts, [&](int r) {
        Value other[1];
        get(other, partial + (size_t)r * columns + tile.column, (size_t)parts * columns);
        value[0].merge(other[0]);
    });
    fold(value, tile);
    return value[0];
}
