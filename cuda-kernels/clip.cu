// Clips n gradients by their global norm: g *= norm / max(norm, sqrt(sum of g*g)).
//
// Two passes: each block of sumSquares writes its sum, sums (grid) in double; each block of clipByNorm adds them, all
// blocks in the same order, and scales its part of the gradients. Nothing goes to the host, so that a graph can hold
// both. The launch shape fixes the order: results are deterministic.
//
// Launch of both: block 256, the same grid, at most ceil(n / 1024): a grid-stride loop. Bound by bytes: 4 a gradient,
// 8 more where they are scaled.
#include "block_sum.cuh"
#include "elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256) sumSquares(const float *g, double *sums, long long n) {
    const long long vectors = vectorCount(n, g);
    double sum = 0;
    const auto square = [](float v) { return (double)v * v; };
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 v = asFloat4(g, i);
        sum += square(v.x) + square(v.y) + square(v.z) + square(v.w);
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) sum += square(g[i]);
    sum = blockSum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(256) clipByNorm(float *g, const double *sums, long long n, float norm) {
    __shared__ float factor;
    double sum = 0;
    for (int i = threadIdx.x; i < gridDim.x; i += 256) sum += sums[i];
    sum = blockSum(sum);
    // Gradients that are not finite stay so: the training then stops with a message.
    if (threadIdx.x == 0) factor = sqrt(sum) <= norm ? 1.0f : (float)(norm / sqrt(sum));
    __syncthreads();
    const float f = factor;
    if (f == 1.0f) return;
    const long long vectors = vectorCount(n, g);
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 v = asFloat4(g, i);
        asFloat4(g, i) = make_float4(v.x * f, v.y * f, v.z * f, v.w * f);
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) g[i] *= f;
}
