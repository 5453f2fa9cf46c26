// Matrices transposed, as weights are on their way to cuDNN and back: its filters are (outputs, taps, inputs), weights
// here (taps, inputs, outputs), and so each the other's transpose.
//
//   transpose        from (rows, columns) to (columns, rows)
//   transposeGates   from (filters, 4, columns) to Keras's (columns, 4, filters): the gradient of interleaved gates
//
// A block moves a tile of 32 x 32 through shared memory, a warp a row of it at a time: 32 values that lie together, on
// both sides. A row of the tile is 33 words long, so that a column of it is in 32 different banks.
//
// Launch: grid (ceil(columns / 32), ceil(rows / 32)), of gates rows = 4 * filters; block 256. Both matrices may begin
// anywhere. Bound by bytes: 8 a value.

constexpr int TILE = 32, WARPS = 8;

// rowOf tells which row of `from` becomes a column of `to`.
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
    transposeTile(from, to, 4 * filters, columns, [=](int row) { return row % filters * 4 + row / filters; });
}
