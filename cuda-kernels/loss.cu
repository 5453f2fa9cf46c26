// Losses as the mean over n elements, and the gradient of the mean.
//
//   binaryCrossentropyFromLogits   max(x, 0) - x*t + log(1 + e^-|x|)          sigmoid(x) - t
//   binaryCrossentropy             -t*log(p) - (1 - t)*log(1 - p)             (p - t)/(p(1 - p)), 0 where p is not y
//                                  p: y clipped to [1e-7, 1 - 1e-7]
//   meanSquaredError               (y - t)^2                                  2(y - t)
//
// Two passes: each block of these kernels writes its sum, sums (grid) in double, and lossMean adds them. They also
// write the gradient times `scale` = 1/n; null: not computed. At most four terms are added in float, all else in
// double. The launch shape fixes the order: results are deterministic.
//
// Launch: block 256, grid at most ceil(n / 1024): a grid-stride loop; lossMean: one block of 256. Bound by bytes: 8 an
// element, 12 with the gradient.
#include "activations.cuh"
#include "block_sum.cuh"
#include "elementwise.cuh"

struct FromLogits {
    static __device__ float term(float x, float t) { return (x < 0.0f ? 0.0f : x) - x * t + log1pf(expf(-fabsf(x))); }
    static __device__ float gradient(float x, float t) { return sigmoid(x) - t; }
};

struct FromProbabilities {
    static __device__ float clipped(float y) {
        constexpr float low = 1e-7f, high = 1.0f - 1e-7f;
        return y < low ? low : y > high ? high : y;
    }
    static __device__ float term(float y, float t) {
        const float p = clipped(y);
        return -(t * logf(p) + (1.0f - t) * log1pf(-p));
    }
    static __device__ float gradient(float y, float t) {
        const float p = clipped(y);
        return p == y ? (p - t) / (p * (1.0f - p)) : 0.0f;
    }
};

struct SquaredError {
    static __device__ float term(float y, float t) { return (y - t) * (y - t); }
    static __device__ float gradient(float y, float t) { return 2.0f * (y - t); }
};

template <class Loss>
__device__ void loss(const float *outputs, const float *targets, float *gradient, double *sums, long long n,
        float scale) {
    const long long vectors = vectorCount(n, outputs, targets, gradient);
    double sum = 0;
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 y = asFloat4(outputs, i), t = asFloat4(targets, i);
        sum += Loss::term(y.x, t.x) + Loss::term(y.y, t.y) + Loss::term(y.z, t.z) + Loss::term(y.w, t.w);
        if (gradient)
            asFloat4(gradient, i) = make_float4(Loss::gradient(y.x, t.x) * scale, Loss::gradient(y.y, t.y) * scale,
                                              Loss::gradient(y.z, t.z) * scale, Loss::gradient(y.w, t.w) * scale);
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) {
        sum += Loss::term(outputs[i], targets[i]);
        if (gradient) gradient[i] = Loss::gradient(outputs[i], targets[i]) * scale;
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

#define LOSS_KERNEL(NAME, LOSS)                                                                                        \
    extern "C" __global__ void __launch_bounds__(256) NAME(const float *outputs, const float *targets,                 \
            float *gradient, double *sums, long long n, float scale) {                                                 \
        loss<LOSS>(outputs, targets, gradient, sums, n, scale);                                                        \
    }
LOSS_KERNEL(binaryCrossentropyFromLogits, FromLogits)
LOSS_KERNEL(binaryCrossentropy, FromProbabilities)
LOSS_KERNEL(meanSquaredError, SquaredError)

extern "C" __global__ void __launch_bounds__(256) lossMean(const double *sums, int blocks, long long n, float *mean) {
    double sum = 0;
    for (int i = threadIdx.x; i < blocks; i += 256) sum += sums[i];
    sum = blockSum(sum);
    if (threadIdx.x == 0) *mean = (float)(sum / n);
}
