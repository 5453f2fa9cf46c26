// A bias added to each row: y (rows, columns) += bias (columns). For convolutions that do not add it themselves.
//
// Launch: as columns.cuh says, addBias4 where columns come in fours; a thread keeps its columns' bias in registers.
// Both begin at multiples of 16 bytes. Bound by bytes: 8 a value.
#include "column_reduction.cuh"

template <int WIDTH> __device__ void addBias(const float *bias, float *y, int rows, int columns) {
    const Tile<WIDTH> tile(columns);
    if (!tile.inside) return;
    const Values<WIDTH> addend = Values<WIDTH>::load(bias + tile.column);
    tile.eachRow(rows, [&](int r) {
        float *at = y + (size_t)r * columns + tile.column;
        Values<WIDTH> values = Values<WIDTH>::load(at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) values.v[j] += addend.v[j];
        values.store(at);
    });
}

extern "C" __global__ void __launch_bounds__(256) addBias4(const float *bias, float *y, int rows, int columns) {
    addBias<4>(bias, y, rows, columns);
}

extern "C" __global__ void __launch_bounds__(256) addBias1(const float *bias, float *y, int rows, int columns) {
    addBias<1>(bias, y, rows, columns);
}
