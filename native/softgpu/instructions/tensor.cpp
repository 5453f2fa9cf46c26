// mma.sync (PTX manual, "Warp Level Matrix Multiply-Accumulate Instructions"): d = a * b + c for the fragments of a
// warp.
//
// Computed in double: products are exact but those of f64, and so are integer sums. c and the products are summed in the order of k, and
// the sum is rounded once to the type of d. PTX does not specify the order and the precision of floating-point sums.
// Tensor cores align the terms of a step and truncate, so their results differ in the last bits. The lowest 13 bits of
// tf32 operands are ignored, as in hardware.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/formats.h"
#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {
namespace {

// Types of a and b: the number of elements in a 32-bit register, and element `e` of it as a number.
struct Tf32Operand {
    static constexpr int per_register = 1;
    static float element(uint32_t bits, int) { return std::bit_cast<float>(bits & ~0x1fffu); }
};
template <class F> struct HalfOperand {
    static constexpr int per_register = 2;
    static float element(uint32_t bits, int e) { return widen<F, float>(bits >> (16 * e) & 0xffff); }
};
template <class T> struct ByteOperand {
    static constexpr int per_register = 4;
    static float element(uint32_t bits, int e) { return static_cast<T>(bits >> (8 * e)); }
};

// Types of c and d: two adjacent elements of a row are in two registers, or in the halves of one.
struct F32Accumulator {
    static constexpr int per_register = 1;
    static double element(uint32_t bits, int) { return std::bit_cast<float>(bits); }
    static uint32_t bits(double sum) { return std::bit_cast<uint32_t>(canonical(static_cast<float>(sum))); }
};
struct F16Accumulator {
    static constexpr int per_register = 2;
    static double element(uint32_t bits, int e) { return widen<F16, double>(bits >> (16 * e) & 0xffff); }
    static uint32_t bits(double sum) { return narrow<F16, Round::nearest>(sum); }
};
// Integer sums are exact. They wrap, or are clamped with .satfinite.
template <bool SATFINITE> struct S32Accumulator {
    static constexpr int per_register = 1;
    static double element(uint32_t bits, int) { return static_cast<int32_t>(bits); }
    static uint32_t bits(double sum) {
        using Limits = std::numeric_limits<int32_t>;
        if (SATFINITE) sum = std::clamp<double>(sum, Limits::min(), Limits::max());
        return static_cast<uint32_t>(static_cast<int64_t>(sum));
    }
};

// The fragment layout of a: tiles of 8 rows and 4 * per_register columns, one register per tile, tiles ordered down the
// rows first. In a tile, lane 4 * g + t holds the elements of row g ("groupID") from column t * per_register on (t is
// "threadID_in_group"). b has the same layout, transposed. c and d have tiles of 8 x 8: elements 2 * t and 2 * t + 1 of
// a row are in two registers, or in the halves of one. This is what the manual's figures "Matrix Fragments for mma"
// show for all supported shapes.
template <class A, class B, class C, int M, int K> void mma(Warp &warp, const Instr &instr) {
    constexpr int row_tiles = M / 8;
    constexpr int k_tiles = K / (4 * A::per_register);
    constexpr int c_registers = 2 / C::per_register;        // of a tile

    const uint32_t *const d_slots = warp.slots + instr.more;
    const uint32_t *const a_slots = d_slots + row_tiles * c_registers;
    const uint32_t *const b_slots = a_slots + row_tiles * k_tiles;
    const uint32_t *const c_slots = b_slots + k_tiles;

    // a keeps the lane order. The columns of b are put in the order of c's lanes: column 2 * t + i to [i][t].
    alignas(32) double a[k_tiles][row_tiles][A::per_register][LANES];
    for (int tile = 0; tile < k_tiles * row_tiles; ++tile) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(a_slots[tile]);
        for (int e = 0; e < A::per_register; ++e)
            for (int l = 0; l < LANES; ++l) a[tile / row_tiles][tile % row_tiles][e][l] = A::element(lanes[l], e);
    }
    alignas(32) double b[K][2][4];
    for (int tile = 0; tile < k_tiles; ++tile) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(b_slots[tile]);
        for (int e = 0; e < B::per_register; ++e) {
            double elements[LANES];
            for (int l = 0; l < LANES; ++l) elements[l] = B::element(lanes[l], e);
            for (int l = 0; l < LANES; ++l) b[(tile * 4 + l % 4) * B::per_register + e][l / 4 % 2][l / 8] = elements[l];
        }
    }
    alignas(32) double c[row_tiles][2][LANES];
    for (int i = 0; i < row_tiles * 2; ++i) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(c_slots[i / C::per_register]);
        for (int l = 0; l < LANES; ++l) c[i / 2][i % 2][l] = C::element(lanes[l], i % C::per_register);
    }

    for (int row = 0; row < M; ++row) {
        const int tile = row / 8, first = row % 8 * 4;      // where the row begins in the tile's lanes
        double sum[2][4];
        for (int n = 0; n < 8; ++n) sum[n / 4][n % 4] = c[tile][n / 4][first + n % 4];
#pragma GCC unroll 32
        for (int k = 0; k < K; ++k) {
            const int register_k = k / A::per_register;
            const double x = a[register_k / 4][tile][k % A::per_register][first + register_k % 4];
            // Products are exact, so a fused multiply-add gives the same result.
            for (int n = 0; n < 8; ++n) sum[n / 4][n % 4] = std::fma(x, b[k][n / 4][n % 4], sum[n / 4][n % 4]);
        }
        for (int n = 0; n < 8; ++n) c[tile][n / 4][first + n % 4] = sum[n / 4][n % 4];
    }

    for (int i = 0; i < row_tiles * c_registers; ++i) {
        uint32_t *lanes = warp.lanes<uint32_t>(d_slots[i]);
        const double (&sums)[2][LANES] = c[i / c_registers];
        for (int l = 0; l < LANES; ++l) {
            if constexpr (C::per_register == 2) lanes[l] = C::bits(sums[0][l]) | C::bits(sums[1][l]) << 16;
            else lanes[l] = C::bits(sums[i % 2][l]);
        }
    }
}

// The same for f64, whose elements have a register each. Products are not exact here: each is fused with its sum, in the
// order of k.
template <int M, int K> void mma_f64(Warp &warp, const Instr &instr) {
    constexpr int row_tiles = M / 8;
    const uint32_t *const d_slots = warp.slots + instr.more, *const a_slots = d_slots + 2 * row_tiles;
    const uint32_t *const b_slots = a_slots + row_tiles * (K / 4), *const c_slots = b_slots + K / 4;
    const auto at = [&warp](const uint32_t *slots, int r, int l) { return warp.lanes<double>(slots[r])[l]; };
    double sum[M][8];
    for (int row = 0; row < M; ++row)
        for (int n = 0; n < 8; ++n) {
            const int group = row % 8 * 4;
            double &d = sum[row][n] = at(c_slots, row / 8 * 2 + n % 2, group + n / 2);
            for (int k = 0; k < K; ++k)
                d = std::fma(at(a_slots, k / 4 * row_tiles + row / 8, group + k % 4),
                             at(b_slots, k / 4, n * 4 + k % 4), d);
        }
    for (int i = 0; i < 2 * row_tiles; ++i) {
        double *lanes = warp.lanes<double>(d_slots[i]);
        for (int l = 0; l < LANES; ++l) lanes[l] = sum[i / 2 * 8 + l / 4][l % 4 * 2 + i % 2];
    }
}

// Registers per lane: for d and c, for a, and for b.
struct Shape {
    TensorKind kind;
    ptx::Type c, b;
    uint8_t c_registers, a_registers, b_registers;
    Exec exec, satfinite;
};

template <class A, class B, class C, int M, int K, class SATURATING = C>
constexpr Shape form(std::string_view shape, ptx::Type c, ptx::Type a, ptx::Type b) {
    constexpr int k_tiles = K / (4 * A::per_register);
    return {{shape, a, 2 * M * 8 * K}, c, b, M / 8 * 2 / C::per_register, M / 8 * k_tiles, k_tiles, mma<A, B, C, M, K>,
            std::is_same_v<C, SATURATING> ? nullptr : mma<A, B, SATURATING, M, K>};
}

template <class A, class B, int M, int K> constexpr Shape integers(std::string_view shape, ptx::Type a, ptx::Type b) {
    return form<A, B, S32Accumulator<false>, M, K, S32Accumulator<true>>(shape, ptx::Type::s32, a, b);
}

template <int M, int K> constexpr Shape doubles(std::string_view shape) {
    using ptx::Type;
    return {{shape, Type::f64, 2 * M * 8 * K}, Type::f64, Type::f64, M / 4, M / 8 * (K / 4), K / 4, mma_f64<M, K>,
            nullptr};
}

using enum ptx::Type;
using F16Operand = HalfOperand<F16>;
using Bf16Operand = HalfOperand<BF16>;
using U8 = ByteOperand<uint8_t>;
using S8 = ByteOperand<int8_t>;

constexpr Shape SHAPES[] = {
    form<Tf32Operand, Tf32Operand, F32Accumulator, 16, 4>("m16n8k4", f32, tf32, tf32),
    form<Tf32Operand, Tf32Operand, F32Accumulator, 16, 8>("m16n8k8", f32, tf32, tf32),
    form<Bf16Operand, Bf16Operand, F32Accumulator, 16, 8>("m16n8k8", f32, bf16, bf16),
    form<Bf16Operand, Bf16Operand, F32Accumulator, 16, 16>("m16n8k16", f32, bf16, bf16),
    form<F16Operand, F16Operand, F32Accumulator, 16, 8>("m16n8k8", f32, f16, f16),
    form<F16Operand, F16Operand, F32Accumulator, 16, 16>("m16n8k16", f32, f16, f16),
    form<F16Operand, F16Operand, F16Accumulator, 16, 8>("m16n8k8", f16, f16, f16),
    form<F16Operand, F16Operand, F16Accumulator, 16, 16>("m16n8k16", f16, f16, f16),
    integers<U8, U8, 8, 16>("m8n8k16", u8, u8), integers<U8, S8, 8, 16>("m8n8k16", u8, s8),
    integers<S8, U8, 8, 16>("m8n8k16", s8, u8), integers<S8, S8, 8, 16>("m8n8k16", s8, s8),
    integers<U8, U8, 16, 16>("m16n8k16", u8, u8), integers<U8, S8, 16, 16>("m16n8k16", u8, s8),
    integers<S8, U8, 16, 16>("m16n8k16", s8, u8), integers<S8, S8, 16, 16>("m16n8k16", s8, s8),
    integers<U8, U8, 16, 32>("m16n8k32", u8, u8), integers<U8, S8, 16, 32>("m16n8k32", u8, s8),
    integers<S8, U8, 16, 32>("m16n8k32", s8, u8), integers<S8, S8, 16, 32>("m16n8k32", s8, s8),
    doubles<8, 4>("m8n8k4"), doubles<16, 4>("m16n8k4"), doubles<16, 8>("m16n8k8"), doubles<16, 16>("m16n8k16"),
};

}  // namespace

bool decode_tensor(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode != "mma") return false;
    Decoding d(in, instr, operands);
    for (std::string_view modifier : {"sync", "aligned", "row", "col"}) d.need_one({modifier});
    const bool satfinite = d.take("satfinite");
    const ptx::Type c = d.take_type(), b = d.take_type(), a = d.take_type();
    if (d.take_type() != c) operands.reject("not provided for these types");

    const Shape *shape = std::find_if(std::begin(SHAPES), std::end(SHAPES), [&](const Shape &s) {
        return s.c == c && s.kind.type == a && s.b == b && d.take(s.kind.shape);
    });
    if (shape == std::end(SHAPES)) operands.reject("this shape is not provided for these types");

    d.expect(4);
    const size_t registers[] = {shape->c_registers, shape->a_registers, shape->b_registers, shape->c_registers};
    for (int i = 0; i < 4; ++i)
        if (in.operands[i].kind != ptx::Operand::Kind::vector || in.operands[i].parts.size() != registers[i])
            operands.reject("operand " + std::to_string(i) + " needs " + std::to_string(registers[i]) + " registers");
    if (a == f64) {
        d.take("rn");
        need_target(operands, shape->a_registers == 1 ? 80 : 90);
    }
    const ptx::Type accumulator = c == f16 ? b32 : c, operand = a == f64 ? f64 : b32;
    operands.more_results(in.operands[0], accumulator);
    operands.more_sources(in.operands[1], operand);
    operands.more_sources(in.operands[2], operand);
    operands.more_sources(in.operands[3], accumulator);
    instr.cls = Class::tensor;
    instr.tensor = &shape->kind;
    instr.flow = Flow::converge;
    instr.has_mask = false;
    d.finish(satfinite ? shape->satfinite : shape->exec);
    return true;
}

}  // namespace softgpu
