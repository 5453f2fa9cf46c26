// Conversion of cuDNN's and cuBLAS's floating-point types to double and back.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace softgpu {

enum class Number : uint8_t { f32, f64, f16, bf16 };

struct Half {
    uint16_t bits;
};
struct BFloat16 {
    uint16_t bits;
};

constexpr int size(Number type) { return type == Number::f32 ? 4 : type == Number::f64 ? 8 : 2; }

// Calls f with a value of the C++ type of `type`.
template <class F> decltype(auto) dispatch(Number type, F f) {
    switch (type) {
        case Number::f64: return f(double());
        case Number::f16: return f(Half());
        case Number::bf16: return f(BFloat16());
        default: return f(float());
    }
}

inline double value(float x) { return x; }
inline double value(double x) { return x; }
inline double value(Half x) { return _cvtsh_ss(x.bits); }
inline double value(BFloat16 x) { return std::bit_cast<float>(uint32_t(x.bits) << 16); }

// x rounded to float, to odd. If this is then rounded to a format at least two bits shorter, the result is the same as
// rounding x directly: no double rounding.
inline float round_to_odd(double x) {
    const float f = static_cast<float>(x);
    if (f == x || std::isnan(x) || (std::bit_cast<uint32_t>(f) & 1)) return f;
    return std::nextafter(f, x > f ? INFINITY : -INFINITY);
}

// To the nearest, ties to even, once.
template <class T> T rounded(double x) {
    if constexpr (std::is_same_v<T, Half>) {
        return {static_cast<uint16_t>(_cvtss_sh(round_to_odd(x), _MM_FROUND_TO_NEAREST_INT))};
    } else if constexpr (std::is_same_v<T, BFloat16>) {
        const uint32_t bits = std::bit_cast<uint32_t>(round_to_odd(x));
        if (std::isnan(x)) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
        return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
    } else {
        return static_cast<T>(x);
    }
}

// The rounding that tensor cores apply to operands before the product.
enum class Rounding : uint8_t { exact, tf32, f16, bf16 };

inline double tensor_operand(double x, Rounding rounding) {
    switch (rounding) {
        case Rounding::f16: return value(rounded<Half>(x));
        case Rounding::bf16: return value(rounded<BFloat16>(x));
        case Rounding::tf32: {
            // 10 bits of mantissa, ties away from zero, like cvt.rna.tf32.f32.
            if (!std::isfinite(x)) return x;
            return std::bit_cast<float>((std::bit_cast<uint32_t>(static_cast<float>(x)) + 0x1000) & ~0x1fffu);
        }
        default: return x;
    }
}

}  // namespace softgpu
