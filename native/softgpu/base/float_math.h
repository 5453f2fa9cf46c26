// PTX floating-point semantics beyond IEEE 754: its NaNs, .ftz, .sat and rounding modifiers.
#pragma once

#include <bit>
#include <cstdint>

#include <immintrin.h>

namespace softgpu {

// PTX does not specify the NaN of a single precision result. Devices return this one, whatever the NaN of the input.
constexpr uint32_t NAN_BITS_F32 = 0x7fffffffu;
constexpr uint16_t NAN_BITS_F16 = 0x7fff;
constexpr uint16_t NAN_BITS_BF16 = 0x7fff;
// For rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 only: other f64 instructions keep the payload of a NaN.
constexpr uint64_t NAN_BITS_F64_APPROX = 0x7fffffff00000000u;

inline constexpr float NAN_F32 = std::bit_cast<float>(NAN_BITS_F32);

// Replaces a NaN result by the device's NaN.
inline float canonical(float x) { return x == x ? x : NAN_F32; }

// .ftz: a subnormal becomes zero with the same sign.
inline float flush(float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return std::bit_cast<float>((bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits);
}

// .sat: clamps to [0, 1]; NaN and -0 become +0.
inline float saturate(float x) {
    const float positive = x > 0.0f ? x : 0.0f;
    return positive < 1.0f ? positive : 1.0f;
}

// In the order of the rounding control bits of MXCSR.
enum class Rounding : uint8_t { nearest, down, up, zero };

// Sets the host's rounding mode for SSE and AVX arithmetic during its lifetime. The compiler does not know this and may
// move arithmetic out of that range. But it cannot move loads and stores across an asm that clobbers memory: so load
// the operands from memory and store the result to memory while the guard exists.
class RoundingMode {
public:
    explicit RoundingMode(Rounding mode) : before_(_mm_getcsr()) {
        set((before_ & ~_MM_ROUND_MASK) | static_cast<uint32_t>(mode) << 13);
    }
    ~RoundingMode() { set(before_); }
    RoundingMode(const RoundingMode &) = delete;
    RoundingMode &operator=(const RoundingMode &) = delete;

private:
    static void set(uint32_t mxcsr) { asm volatile("ldmxcsr %0" : : "m"(mxcsr) : "memory"); }
    const uint32_t before_;
};

}  // namespace softgpu
