// Transposed matrices, for cuDNN: its filters are (outputs, taps, inputs), ours (taps, inputs, outputs).
//
//   transpose        from (rows, columns) to (columns, rows)
//   transposeGates   from (filters, GATES, columns) to Keras's (columns, GATES, filters): the weights gradient of
//                    interleaved gates; see gates.cuh
//
// A block transposes a tile of 32 x 32 in shared memory; each warp reads and writes 32 consecutive values. Rows of the
// tile are padded to 33 words: no bank conflicts.
//
// Launch: grid (ceil(columns / 32), ceil(rows / 32)), for gates rows = GATES * filters; block 256. Any alignment. Bound
// by bytes: 8 a value.
#include "gates.cuh"

constexpr int TILE = 32, WARPS = 8;

// Column c of `to` is row rowOf(c) of `from`.
template <class RowOf>
__device__ __forceinline__ void transposeTile(const float *from, float *to, int rows, int columns, RowOf rowOf) {
    __shared__ float tile[TILE][TILE + 1];
    const int lane = threadIdx.x % TILE, warp = threadIdx.x / TILE;
    const int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
#pragma unroll
    for (int i = warp; i < TILE; i += WARPS)
        if (row + i < rows && column + lane < columns)
            tile[i][lane] = from[(size_t)rowOf(row + i) * columns + column + lane];
    __syncthreads();
#pragma unroll
    for (int i = warp; i < TILE; i += WARPS)
        if (column + i < columns && row + lane < rows) to[(size_t)(column + i) * rows + row + lane] = tile[lane][i];
}

extern "C" __global__ void __launch_bounds__(256) transpose(const float *from, float *to, int rows, int columns) {
    transposeTile(from, to, rows, columns, [](int row) { return row; });
}

extern "C" __global__ void __launch_bounds__(256) transposeGates(const float *from, float *to, int filters,
        int columns) {
    transposeTile(from, to, GATES * filters, columns, [=](int row) { return row % filters * GATES + row / filters; });
}
