// The binary formats narrower than f32, and the one place where a value is rounded to a narrower format.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "base/float_math.h"

namespace softgpu {

// An IEEE 754 layout: a sign, EXPONENT bits and FRACTION bits.
template <int EXPONENT, int FRACTION> struct Format {
    static constexpr int exponent_bits = EXPONENT;
    static constexpr int fraction_bits = FRACTION;
    static constexpr int bias = (1 << (EXPONENT - 1)) - 1;
    static constexpr uint32_t sign = uint32_t(1) << (EXPONENT + FRACTION);
    static constexpr uint32_t infinity = ((uint32_t(1) << EXPONENT) - 1) << FRACTION;
    static constexpr uint32_t max_norm = infinity - 1;      // the largest finite magnitude
    static constexpr uint32_t min_norm = uint32_t(1) << FRACTION;
    static constexpr uint32_t one = uint32_t(bias) << FRACTION;
    static constexpr uint32_t nan = sign - 1;               // the NaN that devices return
};
using F16 = Format<5, 10>;
using BF16 = Format<8, 7>;
using TF32 = Format<8, 10>;     // the upper 19 bits of a b32
using F32 = Format<8, 23>;
using E5M2 = Format<5, 2>;
// Without infinities: the largest exponent has numbers, too, and one NaN.
struct E4M3 : Format<4, 3> {
    static constexpr uint32_t infinity = nan;
    static constexpr uint32_t max_norm = nan - 1;
};
static_assert(F16::nan == NAN_BITS_F16 && BF16::nan == NAN_BITS_BF16 && F32::nan == NAN_BITS_F32);

// The rounding modes of float_math.h, in the same order, and two that the host does not have: to nearest with ties away
// from zero (.rna), and to odd. Round to odd takes the neighbour of an inexact value whose last bit is 1. It avoids
// double rounding: if the result is then rounded to a format at least two bits shorter, this equals rounding the exact
// value.
enum class Round : uint8_t { nearest, down, up, zero, away, odd };

// x / 2^shift as an integer; 1 <= shift, and x + 2^shift does not overflow.
template <Round R, class U> inline U shift_right(U x, U shift, bool negative) {
    const U unit = U(1) << shift;
    if constexpr (R == Round::nearest) return (x + (unit >> 1) - 1 + (x >> shift & 1)) >> shift;
    else if constexpr (R == Round::away) return (x + (unit >> 1)) >> shift;
    else if constexpr (R == Round::odd) return x >> shift | U((x & (unit - 1)) != 0);
    else if constexpr (R == Round::zero) return x >> shift;
    else return (x + (negative == (R == Round::down) ? unit - 1 : U(0))) >> shift;
}

// The layout of float or double.
template <class T> struct Binary {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    static constexpr int fraction_bits = sizeof(T) == 4 ? 23 : 52;
    static constexpr int bias = sizeof(T) == 4 ? 127 : 1023;
    static constexpr Bits sign = Bits(1) << (8 * sizeof(T) - 1);
    static constexpr Bits hidden = Bits(1) << fraction_bits;
    static constexpr Bits infinity = sign - hidden;
};

// The bits of x rounded once to format F. Integer arithmetic without branches, so that loops over lanes vectorise.
template <class F, Round R, class T> [[gnu::always_inline]] inline uint32_t narrow(T x) {
    using B = Binary<T>;
    using Bits = typename B::Bits;
    using Signed = std::make_signed_t<Bits>;
    constexpr Signed rebias = B::bias - F::bias;
    constexpr Signed drop = B::fraction_bits - F::fraction_bits;

    // Compare magnitudes as signed integers: AVX2 has no unsigned comparison.
    const Bits bits = std::bit_cast<Bits>(x);
    const Signed magnitude = static_cast<Signed>(bits & ~B::sign);
    const bool negative = static_cast<Signed>(bits) < 0;
    constexpr Signed source_infinity = static_cast<Signed>(B::infinity), infinity = F::infinity;
    const Signed field = magnitude >> B::fraction_bits;
    const Bits significand = (bits & (B::hidden - 1)) | (field ? B::hidden : Bits(0));
    const Signed exponent = (field ? field : 1) - rebias;

    // Below F's smallest exponent, 1, more bits are dropped: the result is subnormal. The shift is limited to drop + 2
    // + fraction_bits of F: from there on the significand is less than half a unit, so a larger shift gives the same
    // result.
    const Signed below = exponent < 1 ? 1 - exponent : 0;
    const Signed shift = drop + (below < F::fraction_bits + 2 ? below : F::fraction_bits + 2);
    const Bits rounded = shift_right<R>(significand, static_cast<Bits>(shift), negative);

    // Added, not or-ed: the hidden bit of a normal significand, and a carry from rounding, increment the exponent.
    const Signed base = ((exponent < 1 ? 1 : exponent) - 1) << F::fraction_bits;
    const Signed value = base + static_cast<Signed>(rounded);
    const bool to_infinity = R == Round::nearest || R == Round::away || (R == Round::down && negative) ||
                             (R == Round::up && !negative) || magnitude == source_infinity;
    const uint32_t overflow = to_infinity ? F::infinity : F::max_norm;
    const uint32_t finite = value >= infinity ? overflow : static_cast<uint32_t>(value);
    return magnitude > source_infinity ? F::nan : finite | (negative ? F::sign : 0);
}

// The value of bits in format F, exactly. A NaN keeps its payload.
template <class F, class T> [[gnu::always_inline]] constexpr T widen(uint32_t value) {
    using B = Binary<T>;
    using Bits = typename B::Bits;
    const Bits magnitude = static_cast<Bits>(value & (F::sign - 1)) << (B::fraction_bits - F::fraction_bits);
    const Bits sign = static_cast<Bits>(value & F::sign) << (8 * sizeof(T) - 1 - F::exponent_bits - F::fraction_bits);
    Bits bits;
    if constexpr (B::bias == F::bias) {
        bits = magnitude;
    } else {
        // F's exponent field, placed into T's, is too small by the difference of the biases: multiply by 2 to that
        // power. F's subnormals become subnormals of T, and the product normalises them.
        constexpr T scale = std::bit_cast<T>(static_cast<Bits>(B::bias + B::bias - F::bias) << B::fraction_bits);
        bits = std::bit_cast<Bits>(std::bit_cast<T>(magnitude) * scale);
        bits = (value & F::infinity) == F::infinity ? magnitude | B::infinity : bits;
    }
    return std::bit_cast<T>(bits | sign);
}

// .ftz on bits of format F.
template <class F> inline uint32_t flush(uint32_t value) {
    return (value & F::infinity) == 0 ? value & F::sign : value;
}

template <class F> inline bool is_nan(uint32_t value) { return (value & (F::sign - 1)) > F::infinity; }

// x + y rounded to odd. Knuth's two-sum gives the error of the sum, and so on which side the exact sum is.
template <class T> inline T sum_to_odd(T x, T y) {
    using Signed = std::make_signed_t<typename Binary<T>::Bits>;
    const T sum = x + y;
    const T part = sum - x;
    const T error = (x - (sum - part)) + (y - part);
    const auto bits = std::bit_cast<Signed>(sum);
    // One step away from zero if the error has the sign of the sum. The error of an infinite sum is NaN: no step.
    const Signed step = (error > 0) == (sum > 0) ? 1 : -1;
    const bool inexact = error > 0 || error < 0;
    return std::bit_cast<T>(inexact && (bits & 1) == 0 ? static_cast<Signed>(bits + step) : bits);
}

}  // namespace softgpu
