// Functions of one value and their derivatives. FRAMECAST_ISA names the instruction set this copy is compiled for.
#include "activations.h"
#include "elementwise.h"

namespace framecast {
namespace FRAMECAST_ISA {

namespace {

constexpr float selu_alpha = 1.6732632423543772f, selu_scale = 1.0507009873554805f;

// Clipped, with NaN kept.
inline float clip(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

// e^x also where exp_f32 clamps x: from 0 to infinity.
inline float exp_whole_f32(float x) {
    const float root = exp_f32(0.5f * x);
    return root * root;
}

// e^x - 1. For a small x, where digits would cancel, its Taylor polynomial of degree 8, whose remainder below 0.35 is
// under 2^-31 of x.
inline float expm1_f32(float x) {
    float p = 1.0f / 40320;
    p = p * x + 1.0f / 5040;
    p = p * x + 1.0f / 720;
    p = p * x + 1.0f / 120;
    p = p * x + 1.0f / 24;
    p = p * x + 1.0f / 6;
    p = p * x + 0.5f;
    const float small = x + x * (x * p);
    return std::fabs(x) < 0.35f ? small : exp_f32(x) - 1.0f;
}

// The density of a normal variable, without its factor 1/sqrt(2*pi).
inline float bell_f32(float x) { return exp_f32(-0.5f * x * x); }

// Its distribution, to 7.5e-8: Abramowitz and Stegun, formula 7.1.26, of erf(|x|/sqrt(2)).
inline float normal_distribution_f32(float x) {
    const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * std::fabs(x));
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * bell_f32(x);
    return x < 0.0f ? tail : 1.0f - tail;
}

// Calls body(f, derivative) with both functions, so that the loops over values are compiled for each.
template <typename Body>
inline void with_function(Function function, float alpha, float beta, Body body) {
    switch (function) {
        case Function::LINEAR: body([](float x) { return x; }, [](float) { return 1.0f; }); break;
        case Function::RELU:
            body([](float x) { return x < 0.0f ? 0.0f : x; }, [](float x) { return x > 0.0f ? 1.0f : 0.0f; });
            break;
        case Function::RELU6:
            body([](float x) { return clip(x, 0.0f, 6.0f); },
                    [](float x) { return x > 0.0f && x < 6.0f ? 1.0f : 0.0f; });
            break;
        case Function::ELU:
            body([](float x) { return x > 0.0f ? x : expm1_f32(x); },
                    [](float x) { return x > 0.0f ? 1.0f : exp_f32(x); });
            break;
        case Function::SELU:
            body([](float x) { return selu_scale * (x > 0.0f ? x : selu_alpha * expm1_f32(x)); },
                    [](float x) { return selu_scale * (x > 0.0f ? 1.0f : selu_alpha * exp_f32(x)); });
            break;
        case Function::SILU:
            body([](float x) { return x * sigmoid_f32(x); },
                    [](float x) { return sigmoid_f32(x) * (1.0f + x * (1.0f - sigmoid_f32(x))); });
            break;
        case Function::GELU:
            body([](float x) { return x * normal_distribution_f32(x); },
                    [](float x) { return normal_distribution_f32(x) + x * 0.39894228f * bell_f32(x); });
            break;
        case Function::SOFTPLUS:
            body([](float x) { return (x < 0.0f ? 0.0f : x) + log1p_f32(exp_f32(-std::fabs(x))); }, sigmoid_f32);
            break;
        case Function::SIGMOID:
            body(sigmoid_f32, [](float x) { return sigmoid_f32(x) * (1.0f - sigmoid_f32(x)); });
            break;
        case Function::HARD_SIGMOID:
            body([](float x) { return clip01(x * (1.0f / 6) + 0.5f); },
                    [](float x) { return x > -3.0f && x < 3.0f ? 1.0f / 6 : 0.0f; });
            break;
        case Function::HARD_SIGMOID_KERAS2:
            body([](float x) { return clip01(x * 0.2f + 0.5f); },
                    [](float x) { return x > -2.5f && x < 2.5f ? 0.2f : 0.0f; });
            break;
        case Function::TANH:
            body(tanh_f32, [](float x) { return 1.0f - tanh_f32(x) * tanh_f32(x); });
            break;
        case Function::EXPONENTIAL: body(exp_whole_f32, exp_whole_f32); break;
        case Function::LEAKY_RELU:
            body([=](float x) { return x > 0.0f ? x : alpha * x; }, [=](float x) { return x > 0.0f ? 1.0f : alpha; });
            break;
        case Function::RESCALING:
            body([=](float x) { return alpha * x + beta; }, [=](float) { return alpha; });
            break;
    }
}

void forward(Function function, float alpha, float beta, const float *x, float *y, size_t n) {
    with_function(function, alpha, beta, [=](auto f, auto) {
#pragma GCC ivdep
        for (size_t k = 0; k < n; k++) {
            y[k] = f(x[k]);
        }
    });
}

void backward(Function function, float alpha, const float *x, float *dy, size_t n) {
    with_function(function, alpha, 0.0f, [=](auto, auto derivative) {
#pragma GCC ivdep
        for (size_t k = 0; k < n; k++) {
            dy[k] *= derivative(x[k]);
        }
    });
}

}  // namespace

extern const FunctionPass function_pass;
const FunctionPass function_pass{forward, backward};

}  // namespace FRAMECAST_ISA
}  // namespace framecast
