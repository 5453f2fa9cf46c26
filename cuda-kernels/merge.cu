// What layers of several inputs are made of.
//
//   add           y = a + b, of n values; y may be a or b
//   copyColumns   copies `columns` columns of each row of the matrix `from`, beginning at its column fromColumn, to the
//                 matrix `to`, beginning at toColumn: the channels of one input to or from those of all
//
// Launch: block 256. add: grid at most ceil(n / 1024), a grid-stride loop. copyColumns: grid ceil(n / 256), n = rows *
// columns, a thread one value, or a float4 in copyColumns4, which counts all columns in float4. Bound by bytes: 12 and
// 8 a value. All accesses are coalesced; of rows of few columns, a warp accesses several.
#include "elementwise.cuh"

// Not unrolled: a grid has so many threads that loads of different threads hide the latency.
extern "C" __global__ void __launch_bounds__(256) add(const float *a, const float *b, float *y, long long n) {
    const long long vectors = vectorCount(n, a, b, y);
#pragma unroll 1
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 p = asFloat4(a, i), q = asFloat4(b, i);
        asFloat4(y, i) = make_float4(p.x + q.x, p.y + q.y, p.z + q.z, p.w + q.w);
    }
#pragma unroll 1
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) y[i] = a[i] + b[i];
}

#define COLUMN_KERNEL(NAME, VALUE)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) copyColumns##NAME(long long n, int columns, const VALUE *from,   \
            int fromColumns, int fromColumn, VALUE *to, int toColumns, int toColumn) {                                 \
        const long long i = gridThread();                                                                              \
        if (i >= n) return;                                                                                            \
        const long long row = i / columns;                                                                             \
        const int column = i % columns;                                                                                \
        to[row * toColumns + toColumn + column] = from[row * fromColumns + fromColumn + column];                       \
    }
COLUMN_KERNEL(4, float4)
COLUMN_KERNEL(1, float)
