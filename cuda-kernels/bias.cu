// A bias added to each row: y (rows, columns) += bias (columns). For convolutions that do not add it themselves.
//
// Launch: as in column_reduction.cuh, addBias4 where columns are a multiple of 4; a thread keeps the bias of its
// columns in registers. Both arrays are aligned to 16 bytes. Bound by bytes: 8 a value.
#include "column_reduction.cuh"

template <int WIDTH> __device__ void addBias(const float *bias, float *y, int rows, int columns) {
    const ColumnMap<WIDTH> map(columns);
    if (!map.inside) return;
    const Vector<WIDTH> addend = Vector<WIDTH>::load(bias + map.column);
    map.eachRow(rows, [&](int r) {
        float *at = y + (size_t)r * columns + map.column;
        Vector<WIDTH> values = Vector<WIDTH>::load(at);
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
