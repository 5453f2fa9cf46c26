// Muon's step for `count` matrices (rows, columns), side by side in one array with a pitch of count * columns values:
//
//   muonAverage              M += (G - M)(1 - mu),  X = U = G + (M - G) mu
//   muonNormalize            X /= max(|X|, 1e-7), the Frobenius norm
//   muonGram                 S = X X^T
//   muonProduct              Y = alpha A B + beta D, for the polynomial of S and its product with X
//   muonStep                 P -= rate * factor * X
//
// The host calls the products five times: X <- a X + (b S + c S S) X, whose singular values go to about 1; see
// backend/MuonOp. X has the shorter side as its rows, one dense matrix after the other: it is the transposed U where
// there are more rows than columns, so that S is as small as possible.
//
// Launch: muonAverage and muonStep ceil(values / 256) blocks of 256, a thread a value in the order of P; bound by
// bytes: 16 and 12 a value, and those of X not coalesced where it is transposed, which is little beside the products.
// muonNormalize count blocks of 256: the latency of one block's pass counts, not bytes. The products a block of 256 for
// a tile of 32 x 32 of Y, grid (ceil(n / 32), ceil(m / 32), count); bound by operations, 2 m n depth, of which shared
// memory feeds one for each word: a quarter of what registers could, for matrices that take a few percent of a step.
#include "block_sum.cuh"

namespace {

constexpr int TILE = 32;

struct Place {
    size_t ofAll;     // in P, G and M
    size_t ofDense;   // in X
};

// Where value i is, counted in the order of P. False beyond the last.
__device__ bool place(int count, int rows, int columns, Place &at) {
    const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
    const int pitch = count * columns;
    if (i >= (size_t)rows * pitch) return false;
    const int row = i / pitch, column = i % pitch % columns, matrix = i % pitch / columns;
    at.ofAll = i;
    at.ofDense = (size_t)matrix * rows * columns
            + (rows < columns ? (size_t)row * columns + column : (size_t)column * rows + row);
    return true;
}

// The tile of A (m, depth) * B that the block computes, with B (depth, n), or (n, depth) where TRANSPOSED; then
// store(value, index in the matrix). Each thread has 2 x 2 values, 16 apart: a warp reads 2 words of A, and 16 adjacent
// ones of B.
template <bool TRANSPOSED, class Store>
__device__ __forceinline__ void product(const float *a, const float *b, int m, int n, int depth, Store store) {
    __shared__ float as[TILE][TILE + 1], bs[TILE][TILE + 1];
    const int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    const int tx = threadIdx.x % 16, ty = threadIdx.x / 16, lane = threadIdx.x % TILE, warp = threadIdx.x / TILE;
    float sum[2][2] = {};
    int k = 0;
    do {
#pragma unroll
        for (int pass = 0; pass < TILE / 8; pass++) {
            const int i = warp + 8 * pass;
            as[i][lane] = row + i < m && k + lane < depth ? a[(size_t)(row + i) * depth + k + lane] : 0;
            if (TRANSPOSED)
                bs[lane][i] = column + i < n && k + lane < depth ? b[(size_t)(column + i) * depth + k + lane] : 0;
            else
                bs[i][lane] = k + i < depth && column + lane < n ? b[(size_t)(k + i) * n + column + lane] : 0;
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < TILE; i++)
#pragma unroll
            for (int u = 0; u < 2; u++)
#pragma unroll
                for (int v = 0; v < 2; v++) sum[u][v] += as[ty + 16 * u][i] * bs[i][tx + 16 * v];
        __syncthreads();
        k += TILE;
    } while (k < depth);
#pragma unroll
    for (int u = 0; u < 2; u++)
#pragma unroll
        for (int v = 0; v < 2; v++) {
            const int r = row + ty + 16 * u, c = column + tx + 16 * v;
            if (r < m && c < n) store(sum[u][v], (size_t)r * n + c);
        }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256) muonAverage(const float *g, float *m, float *x, int count, int rows,
        int columns, float oneMinusMomentum) {
    Place at;
    if (!place(count, rows, columns, at)) return;
    const float gradient = g[at.ofAll], average = m[at.ofAll] + (gradient - m[at.ofAll]) * oneMinusMomentum;
    m[at.ofAll] = average;
    x[at.ofDense] = average + (gradient - average) * oneMinusMomentum;
}

extern "C" __global__ void __launch_bounds__(256) muonNormalize(float *x, int size) {
    __shared__ float factor;
    x += (size_t)blockIdx.x * size;
    double sum = 0;
    for (int i = threadIdx.x; i < size; i += 256) sum += (double)x[i] * x[i];
    sum = blockSum(sum);
    // A norm that is not finite stays so: the training then stops with a message.
    if (threadIdx.x == 0) factor = 1 / (sum < 1e-14 ? 1e-7 : sqrt(sum));
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += 256) x[i] *= factor;
}

extern "C" __global__ void __launch_bounds__(256) muonGram(const float *x, float *s, int rows, int columns) {
    x += (size_t)blockIdx.z * rows * columns;
    s += (size_t)blockIdx.z * rows * rows;
    product<true>(x, x, rows, rows, columns, [=](float sum, size_t at) { s[at] = sum; });
}

extern "C" __global__ void __launch_bounds__(256) muonProduct(const float *a, const float *b, const float *d, float *y,
        int m, int n, int depth, float alpha, float beta) {
    const size_t matrix = (size_t)blockIdx.z * m * n;
    product<false>(a + (size_t)blockIdx.z * m * depth, b + (size_t)blockIdx.z * depth * n, m, n, depth,
            [=](float sum, size_t at) { y[matrix + at] = alpha * sum + beta * d[matrix + at]; });
}

extern "C" __global__ void __launch_bounds__(256) muonStep(float *p, const float *x, int count, int rows, int columns,
        const float *rate, float factor) {
    Place at;
    if (place(count, rows, columns, at)) p[at.ofAll] -= *rate * factor * x[at.ofDense];
}
