// Sums for the gradients of weights and biases.
//
//   columnSums       x (rows, columns) to partial (parts, columns): row p is the sum of the rows of block p
//   sumSplits        splits (splits, n) to y (n), added in their order
//   sumPaddedSplits  the same of a weights gradient whose input channels are padded
//   sumGateSplits    the same of interleaved gates, splits (splits, rows, filters, GATES) to Keras's y (rows, GATES,
//                    filters); see gates.cuh
//
// A bias gradient is columnSums and then one of the others; a weights gradient is split-K (convolution.cu) and then one
// of the others. y may have any alignment, all else is aligned to 16 bytes.
//
// Launch: columnSums as in column_reduction.cuh, the kernel ending in 4 where columns are a multiple of 4; sumSplits
// block 256, grid ceil(n / 256); sumGateSplits the same with n = rows * filters. Bound by bytes: 4 a value read.
#include "column_reduction.cuh"
#include "gates.cuh"

template <int WIDTH> __device__ void columnSums(const float *x, float *partial, int rows, int columns) {
    const ColumnMap<WIDTH> map(columns);
    Sums<1> sums[WIDTH];
    map.eachRow(rows, [&](int r) {
        const Vector<WIDTH> values = Vector<WIDTH>::load(x + (size_t)r * columns + map.column);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) sums[j].part[0] += values.v[j];
    });
    storePartial(partial, sums, columns, map);
}

extern "C" __global__ void __launch_bounds__(256) columnSums4(const float *x, float *partial, int rows, int columns) {
    columnSums<4>(x, partial, rows, columns);
}

extern "C" __global__ void __launch_bounds__(256) columnSums1(const float *x, float *partial, int rows, int columns) {
    columnSums<1>(x, partial, rows, columns);
}

extern "C" __global__ void __launch_bounds__(256) sumSplits(const float *splits, float *y, int count, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = splits[i];
    for (int s = 1; s < count; s++) sum += splits[s * n + i];
    y[i] = sum;
}

// n = rows * filters.
extern "C" __global__ void __launch_bounds__(256) sumGateSplits(const float4 *splits, float *y, int count, long long n,
        int filters) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    float4 sum = splits[u];
    for (int s = 1; s < count; s++) {
        const float4 v = splits[s * n + u];
        sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
    }
    float *p = y + kerasIndex(u, filters);
    p[0] = sum.x;
    p[filters] = sum.y;
    p[2 * filters] = sum.z;
    p[3 * filters] = sum.w;
}

// Of taps whose rows are padded: splits (splits, taps, paddedSize) to y (taps, size), n values.
extern "C" __global__ void __launch_bounds__(256) sumPaddedSplits(const float *splits, float *y, int count,
        long long n, int size, int paddedSize) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const long long at = i / size * paddedSize + i % size, all = n / size * paddedSize;
    float sum = splits[at];
    for (int s = 1; s < count; s++) sum += splits[s * all + at];
    y[i] = sum;
}
