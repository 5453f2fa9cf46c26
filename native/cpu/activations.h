// The activations and their derivatives, over arrays.
// Only for files that are compiled once for each instruction set (see dispatch.cpp).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "passes.h"

namespace framecast {
namespace FRAMECAST_ISA {
namespace {

// The loops below are written so that the compiler vectorises them: no calls, no branches, NaN passing through.

inline float from_bits(int32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline int32_t to_bits(float value) {
    int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// e^x to about one unit in the last place. x = n*ln2 + r with |r| <= ln2/2: e^x = 2^n * e^r, and e^r by its
// Taylor polynomial of degree 7, whose remainder is below 2^-27. Outside [-87.3, 88.3] x is clamped.
inline float exp_f32(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.3f ? 88.3f : x;
    const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    const float n = (x * 1.44269504088896341f + magic) - magic;
    float r = x - n * 0.693145751953125f;  // ln2 in two parts, the first with trailing zeros
    r = r - n * 1.42860682030941723e-6f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * from_bits((static_cast<int32_t>(n) + 127) << 23);
}

// log(1 + y) for y in [0, 1] as 2*atanh(s), s = y/(2 + y) <= 1/3: an odd series in s, remainder below 2^-26.
inline float log1p_f32(float y) {
    const float s = y / (2.0f + y);
    const float s2 = s * s;
    float p = 1.0f / 15;
    p = p * s2 + 1.0f / 13;
    p = p * s2 + 1.0f / 11;
    p = p * s2 + 1.0f / 9;
    p = p * s2 + 1.0f / 7;
    p = p * s2 + 1.0f / 5;
    p = p * s2 + 1.0f / 3;
    p = p * s2 + 1.0f;
    return 2.0f * s * p;
}

inline float sigmoid_f32(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

// (e^2x - 1)/(e^2x + 1) loses the digits of a small x to cancellation; there the Taylor polynomial of degree 13
// is used, whose remainder below 0.35 is under 2^-27 of x.
inline float tanh_f32(float x) {
    const float a = std::fabs(x);
    const float large = 1.0f - 2.0f / (exp_f32(2.0f * a) + 1.0f);
    const float x2 = x * x;
    float p = 21844.0f / 6081075;
    p = p * x2 - 1382.0f / 155925;
    p = p * x2 + 62.0f / 2835;
    p = p * x2 - 17.0f / 315;
    p = p * x2 + 2.0f / 15;
    p = p * x2 - 1.0f / 3;
    p = p * x2;
    const float small = x + x * p;
    return a < 0.35f ? small : std::copysign(large, x);
}

inline float clip01(float x) {
    x = x < 0.0f ? 0.0f : x;
    return x > 1.0f ? 1.0f : x;
}

template <typename F>
inline void map(float *x, size_t n, F f) {
    for (size_t k = 0; k < n; k++) {
        x[k] = f(x[k]);
    }
}

inline void activate(Activation activation, float *x, size_t n) {
    switch (activation) {
        case Activation::LINEAR: break;
        case Activation::RELU: map(x, n, [](float v) { return v < 0.0f ? 0.0f : v; }); break;
        case Activation::SIGMOID: map(x, n, sigmoid_f32); break;
        case Activation::TANH: map(x, n, tanh_f32); break;
        case Activation::HARD_SIGMOID: map(x, n, [](float v) { return clip01(v * (1.0f / 6) + 0.5f); }); break;
        case Activation::HARD_SIGMOID_KERAS2: map(x, n, [](float v) { return clip01(v * 0.2f + 0.5f); }); break;
    }
}

template <typename F>
inline void derive(const float *y, float *d, size_t n, F f) {
    for (size_t k = 0; k < n; k++) {
        d[k] *= f(y[k]);
    }
}

// d *= the derivative of the activation, computed from its value y.
inline void activate_backward(Activation activation, const float *y, float *d, size_t n) {
    switch (activation) {
        case Activation::LINEAR: break;
        case Activation::RELU: derive(y, d, n, [](float v) { return v > 0.0f ? 1.0f : 0.0f; }); break;
        case Activation::SIGMOID: derive(y, d, n, [](float v) { return v * (1.0f - v); }); break;
        case Activation::TANH: derive(y, d, n, [](float v) { return 1.0f - v * v; }); break;
        case Activation::HARD_SIGMOID:
            derive(y, d, n, [](float v) { return v > 0.0f && v < 1.0f ? 1.0f / 6 : 0.0f; });
            break;
        case Activation::HARD_SIGMOID_KERAS2:
            derive(y, d, n, [](float v) { return v > 0.0f && v < 1.0f ? 0.2f : 0.0f; });
            break;
    }
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
