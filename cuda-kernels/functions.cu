// A function of each of n values; see io.framecast.backend.Elementwise.
//
//   functionForward    y = f(x)
//   functionBackward   dy = dy * f'(x), in place
//
// Compiled for FUNCTION, the name of one of them. alpha is LEAKY_RELU's and RESCALING's, beta RESCALING's.
// Launch: block 256, grid at most ceil(n / 1024): a grid-stride loop. Bound by bytes: 8 and 12 a value.
#include "elementwise.cuh"

enum Function {
    LINEAR, RELU, RELU6, ELU, SELU, SILU, GELU, SOFTPLUS, SIGMOID, HARD_SIGMOID, HARD_SIGMOID_KERAS2, TANH, EXPONENTIAL,
    LEAKY_RELU, RESCALING
};

constexpr float SELU_ALPHA = 1.6732632423543772f, SELU_SCALE = 1.0507009873554805f;
constexpr float INVERSE_ROOT_2 = 0.70710678f, INVERSE_ROOT_2_PI = 0.39894228f;

// Clipped; fminf and fmaxf do not propagate NaN.
__device__ float clip(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

// Where e^-x overflows the result is 0, as it should be.
__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// The distribution and the density of a normal variable.
__device__ float normalDistribution(float x) { return 0.5f * erfcf(-x * INVERSE_ROOT_2); }
__device__ float normalDensity(float x) { return INVERSE_ROOT_2_PI * expf(-0.5f * x * x); }

__device__ float function(float x, float alpha, float beta) {
    if constexpr (FUNCTION == RELU) return x < 0.0f ? 0.0f : x;
    else if constexpr (FUNCTION == RELU6) return clip(x, 0.0f, 6.0f);
    else if constexpr (FUNCTION == ELU) return x > 0.0f ? x : expm1f(x);
    else if constexpr (FUNCTION == SELU) return SELU_SCALE * (x > 0.0f ? x : SELU_ALPHA * expm1f(x));
    else if constexpr (FUNCTION == SILU) return x * sigmoid(x);
    else if constexpr (FUNCTION == GELU) return x * normalDistribution(x);
    else if constexpr (FUNCTION == SOFTPLUS) return (x < 0.0f ? 0.0f : x) + log1pf(expf(-fabsf(x)));
    else if constexpr (FUNCTION == SIGMOID) return sigmoid(x);
    else if constexpr (FUNCTION == HARD_SIGMOID) return clip(x * (1.0f / 6) + 0.5f, 0.0f, 1.0f);
    else if constexpr (FUNCTION == HARD_SIGMOID_KERAS2) return clip(x * 0.2f + 0.5f, 0.0f, 1.0f);
    else if constexpr (FUNCTION == TANH) return tanhf(x);
    else if constexpr (FUNCTION == EXPONENTIAL) return expf(x);
    else if constexpr (FUNCTION == LEAKY_RELU) return x > 0.0f ? x : alpha * x;
    else if constexpr (FUNCTION == RESCALING) return alpha * x + beta;
    else return x;
}

__device__ float derivative(float x, float alpha) {
    if constexpr (FUNCTION == RELU) return x > 0.0f ? 1.0f : 0.0f;
    else if constexpr (FUNCTION == RELU6) return x > 0.0f && x < 6.0f ? 1.0f : 0.0f;
    else if constexpr (FUNCTION == ELU) return x > 0.0f ? 1.0f : expf(x);
    else if constexpr (FUNCTION == SELU) return SELU_SCALE * (x > 0.0f ? 1.0f : SELU_ALPHA * expf(x));
    else if constexpr (FUNCTION == SILU) return sigmoid(x) * (1.0f + x * (1.0f - sigmoid(x)));
    else if constexpr (FUNCTION == GELU) return normalDistribution(x) + x * normalDensity(x);
    else if constexpr (FUNCTION == SOFTPLUS) return sigmoid(x);
    else if constexpr (FUNCTION == SIGMOID) return sigmoid(x) * (1.0f - sigmoid(x));
    else if constexpr (FUNCTION == HARD_SIGMOID) return x > -3.0f && x < 3.0f ? 1.0f / 6 : 0.0f;
    else if constexpr (FUNCTION == HARD_SIGMOID_KERAS2) return x > -2.5f && x < 2.5f ? 0.2f : 0.0f;
    else if constexpr (FUNCTION == TANH) return 1.0f - tanhf(x) * tanhf(x);
    else if constexpr (FUNCTION == EXPONENTIAL) return expf(x);
    else if constexpr (FUNCTION == LEAKY_RELU) return x > 0.0f ? 1.0f : alpha;
    else if constexpr (FUNCTION == RESCALING) return alpha;
    else return 1.0f;
}

// Not unrolled: a grid has so many threads that loads of different threads hide the latency.
extern "C" __global__ void __launch_bounds__(256) functionForward(const float *x, float *y, long long n, float alpha,
        float beta) {
    const long long vectors = vectorCount(n, x, y);
#pragma unroll 1
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 v = asFloat4(x, i);
        asFloat4(y, i) = make_float4(function(v.x, alpha, beta), function(v.y, alpha, beta),
                function(v.z, alpha, beta), function(v.w, alpha, beta));
    }
#pragma unroll 1
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) y[i] = function(x[i], alpha, beta);
}

extern "C" __global__ void __launch_bounds__(256) functionBackward(const float *x, float *dy, long long n,
        float alpha) {
    const long long vectors = vectorCount(n, x, dy);
#pragma unroll 1
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 v = asFloat4(x, i);
        float4 d = asFloat4(dy, i);
        d.x *= derivative(v.x, alpha);
        d.y *= derivative(v.y, alpha);
        d.z *= derivative(v.z, alpha);
        d.w *= derivative(v.w, alpha);
        asFloat4(dy, i) = d;
    }
#pragma unroll 1
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) dy[i] *= derivative(x[i], alpha);
}
