// mma.sync (PTX manual, "Warp Level Matrix Multiply-Accumulate Instructions"): d = a * b + c for the fragments of a
// warp; and wmma.mma of elements smaller than a byte, whose fragments are those of mma.sync.
//
// Computed in double: products are exact but those of f64, and so are integer sums. c and the products are summed in
// the order of k, and the sum is rounded once to the type of d. PTX does not specify the order and the precision of
// floating-point sums. Tensor cores align the terms of a step and truncate, so their results differ in the last bits.
// The lowest 13 bits of tf32 operands are ignored, as in hardware.
#include "instructions/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/formats.h"
#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {
namespace tensor {

using ptx::Type;
using enum ptx::Type;

namespace {

// ---- Elements -------------------------------------------------------------------------------------------------------

// Types of a and b: the number of elements in a 32-bit register, and element `e` of it as a number.
struct Tf32Operand {
    static constexpr int per_register = 1;
    static float element(uint32_t bits, int) { return std::bit_cast<float>(bits & ~0x1fffu); }
};
template <class F> struct HalfOperand {
    static constexpr int per_register = 2;
    static float element(uint32_t bits, int e) { return widen<F, float>(bits >> (16 * e) & 0xffff); }
};
template <class F> struct Fp8Operand {
    static constexpr int per_register = 4;
    static float element(uint32_t bits, int e) { return widen<F, float>(bits >> (8 * e) & 0xff); }
};
template <class T> struct ByteOperand {
    static constexpr int per_register = 4;
    static float element(uint32_t bits, int e) { return static_cast<T>(bits >> (8 * e)); }
};
template <class T> struct NibbleOperand {
    static constexpr int per_register = 8;
    static float element(uint32_t bits, int e) {
        constexpr bool negative = std::is_signed_v<T>;
        const uint32_t nibble = bits >> (4 * e) & 15;
        return static_cast<float>(negative ? static_cast<int>(nibble ^ 8) - 8 : static_cast<int>(nibble));
    }
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

// ---- Fragments ------------------------------------------------------------------------------------------------------

// The fragment layout of a: tiles of 8 rows and 4 * per_register columns, one register per tile, tiles ordered down the
// rows first. In a tile, lane 4 * g + t holds the elements of row g ("groupID") from column t * per_register on (t is
// "threadID_in_group"). b has the same layout, transposed. c and d have tiles of 8 x 8: elements 2 * t and 2 * t + 1 of
// a row are in two registers, or in the halves of one. This is what the manual's figures "Matrix Fragments for mma"
// show for all shapes but m8n8k4 of f16.

// a keeps the lane order: element e of a register is at [its number * per_register + e].
template <class A> void unpack_a(const Warp &warp, const Slot *slots, int registers, double (*to)[LANES]) {
    for (int r = 0; r < registers; ++r) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(slots[r]);
        for (int e = 0; e < A::per_register; ++e, ++to)
            for (int l = 0; l < LANES; ++l) (*to)[l] = A::element(lanes[l], e);
    }
}

// The columns of b are put in the order of c's lanes: column 2 * t + i of row k to [k][i][t].
template <class B> void unpack_b(const Warp &warp, const Slot *slots, int registers, double (*to)[2][4]) {
    for (int r = 0; r < registers; ++r) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(slots[r]);
        for (int e = 0; e < B::per_register; ++e) {
            double elements[LANES];
            for (int l = 0; l < LANES; ++l) elements[l] = B::element(lanes[l], e);
            for (int l = 0; l < LANES; ++l)
                to[(r * 4 + l % 4) * B::per_register + e][l / 4 % 2][l / 8] = elements[l];
        }
    }
}

// Two adjacent elements of a lane, of tile r, are at [2 * r] and [2 * r + 1].
template <class C> void unpack_c(const Warp &warp, const Slot *slots, int tiles, double (*to)[LANES]) {
    for (int i = 0; i < 2 * tiles; ++i) {
        const uint32_t *lanes = warp.lanes<const uint32_t>(slots[i / C::per_register]);
        for (int l = 0; l < LANES; ++l) to[i][l] = C::element(lanes[l], i % C::per_register);
    }
}

template <class D> void pack_d(const Warp &warp, const Slot *slots, int tiles, const double (*sums)[LANES]) {
    for (int i = 0; i < 2 * tiles; i += D::per_register) {
        uint32_t *lanes = warp.lanes<uint32_t>(slots[i / D::per_register]);
        for (int l = 0; l < LANES; ++l) {
            if constexpr (D::per_register == 2) lanes[l] = D::bits(sums[i][l]) | D::bits(sums[i + 1][l]) << 16;
            else lanes[l] = D::bits(sums[i][l]);
        }
    }
}

// Adds a * b to c, whose sums have not been rounded.
template <int M, int K, int PER_REGISTER>
void multiply(const double (*a)[LANES], const double (*b)[2][4], double (*c)[LANES]) {
    constexpr int row_tiles = M / 8;
    for (int row = 0; row < M; ++row) {
        const int tile = row / 8, first = row % 8 * 4;      // where the row begins in the tile's lanes
        double sum[2][4];
        for (int n = 0; n < 8; ++n) sum[n / 4][n % 4] = c[2 * tile + n / 4][first + n % 4];
#pragma GCC unroll 32
        for (int k = 0; k < K; ++k) {
            const int group = k / PER_REGISTER;
            const double x = a[(group / 4 * row_tiles + tile) * PER_REGISTER + k % PER_REGISTER][first + group % 4];
            // Products are exact, so a fused multiply-add gives the same result.
            for (int n = 0; n < 8; ++n) sum[n / 4][n % 4] = std::fma(x, b[k][n / 4][n % 4], sum[n / 4][n % 4]);
        }
        for (int n = 0; n < 8; ++n) c[2 * tile + n / 4][first + n % 4] = sum[n / 4][n % 4];
    }
}

}  // namespace

// ---- Forms ----------------------------------------------------------------------------------------------------------

struct Operand {
    Type type;
    int per_register;
    void (*unpack_a)(const Warp &, const Slot *, int, double (*)[LANES]);
    void (*unpack_b)(const Warp &, const Slot *, int, double (*)[2][4]);
};
struct Accumulator {
    int per_register;
    void (*unpack)(const Warp &, const Slot *, int, double (*)[LANES]);
    void (*pack)(const Warp &, const Slot *, int, const double (*)[LANES]);
    void (*pack_saturated)(const Warp &, const Slot *, int, const double (*)[LANES]);
    Type type;
};

namespace {

template <class T> constexpr Operand operand(Type type) { return {type, T::per_register, unpack_a<T>, unpack_b<T>}; }

template <class T, class SATURATED = T> constexpr Accumulator accumulator(Type type) {
    return {T::per_register, unpack_c<T>, pack_d<T>, pack_d<SATURATED>, type};
}

void mma(Warp &warp, const Instr &instr) {
    constexpr int MOST_M = 16, MOST_K = 64, N = 8;
    alignas(32) double a[MOST_M * MOST_K / LANES][LANES], b[MOST_K][2][4], c[MOST_M * N / LANES][LANES];
    const Registers registers(warp, instr);
    const Form &form = registers.form;
    const int tiles = form.c_registers * form.sum->per_register / 2;
    form.left->unpack_a(warp, registers.a, form.a_registers, a);
    form.right->unpack_b(warp, registers.b, form.b_registers, b);
    form.sum->unpack(warp, registers.c, tiles, c);
    form.multiply(a, b, c);
    const auto pack = instr.flags & SATFINITE ? form.sum->pack_saturated : form.sum->pack;
    pack(warp, registers.d, tiles, c);
}

// ---- All forms ------------------------------------------------------------------------------------------------------

constexpr Operand TF32_OPERAND = operand<Tf32Operand>(tf32);
constexpr Operand F16_OPERAND = operand<HalfOperand<F16>>(f16);
constexpr Operand BF16_OPERAND = operand<HalfOperand<BF16>>(bf16);
constexpr Operand FP8_OPERANDS[] = {operand<Fp8Operand<E4M3>>(e4m3), operand<Fp8Operand<E5M2>>(e5m2)};
constexpr Operand BYTE_OPERANDS[] = {operand<ByteOperand<uint8_t>>(u8), operand<ByteOperand<int8_t>>(s8)};
constexpr Operand NIBBLE_OPERANDS[] = {operand<NibbleOperand<uint8_t>>(u4), operand<NibbleOperand<int8_t>>(s4)};
constexpr Accumulator F32_SUM = accumulator<F32Accumulator>(f32);
constexpr Accumulator F16_SUM = accumulator<F16Accumulator>(f16);
constexpr Accumulator S32_SUM = accumulator<S32Accumulator<false>, S32Accumulator<true>>(s32);

template <int M, int K> TensorKind kind(std::string_view shape, Type type, Exec trial = nullptr) {
    return {shape, type, 2 * M * 8 * K, trial};
}

class Forms {
public:
    Forms() {
        add<16, 4, 1>("m16n8k4", TF32_OPERAND, TF32_OPERAND, F32_SUM, 80);
        add<16, 8, 1>("m16n8k8", TF32_OPERAND, TF32_OPERAND, F32_SUM, 80);
        add<16, 8, 2>("m16n8k8", BF16_OPERAND, BF16_OPERAND, F32_SUM, 80);
        add<16, 16, 2>("m16n8k16", BF16_OPERAND, BF16_OPERAND, F32_SUM, 80);
        for (const Accumulator *sum : {&F32_SUM, &F16_SUM}) {
            add<16, 8, 2>("m16n8k8", F16_OPERAND, F16_OPERAND, *sum, 75);
            add<16, 16, 2>("m16n8k16", F16_OPERAND, F16_OPERAND, *sum, 80);
            for (const Operand &a : FP8_OPERANDS)
                for (const Operand &b : FP8_OPERANDS) {
                    add<16, 16, 4>("m16n8k16", a, b, *sum, 89);
                    add<16, 32, 4>("m16n8k32", a, b, *sum, 89);
                }
        }
        for (const Operand &a : BYTE_OPERANDS)
            for (const Operand &b : BYTE_OPERANDS) {
                add<8, 16, 4>("m8n8k16", a, b, S32_SUM, 75);
                add<16, 16, 4>("m16n8k16", a, b, S32_SUM, 80);
                add<16, 32, 4>("m16n8k32", a, b, S32_SUM, 80);
            }
        for (const Operand &a : NIBBLE_OPERANDS)
            for (const Operand &b : NIBBLE_OPERANDS) {
                add<8, 32, 8>("m8n8k32", a, b, S32_SUM, 75);
                add<16, 32, 8>("m16n8k32", a, b, S32_SUM, 80);
                add<16, 64, 8>("m16n8k64", a, b, S32_SUM, 80);
            }
        add_f64<8, 4>("m8n8k4", 80);
        add_f64<16, 4>("m16n8k4", 90);
        add_f64<16, 8>("m16n8k8", 90);
        add_f64<16, 16>("m16n8k16", 90);
        add_b1<8, 128>("m8n8k128", 75);
        add_b1<16, 128>("m16n8k128", 80);
        add_b1<16, 256>("m16n8k256", 80);
        constexpr uint32_t flop = 4 * 2 * 8 * 8 * 4;
        for (const auto &[d, c] : {std::pair(f16, f16), {f32, f16}, {f32, f32}})
            all_.push_back({{"m8n8k4", f16, flop}, f16, f16, c, d, d == f16 ? 4 : 8, 2, 2, c == f16 ? 4 : 8, 70,
                            mma_quarters});
    }

    template <class F> const Form *find(F f) const {
        const auto found = std::ranges::find_if(all_, f);
        return found == all_.end() ? nullptr : &*found;
    }

private:
    template <int M, int K, int PER_REGISTER>
    void add(std::string_view shape, const Operand &a, const Operand &b, const Accumulator &sum, int target) {
        constexpr int k_tiles = K / (4 * PER_REGISTER);
        const int sums = M / 8 * 2 / sum.per_register;
        all_.push_back({kind<M, K>(shape, a.type), a.type, b.type, sum.type, sum.type, sums, M / 8 * k_tiles, k_tiles,
                        sums, target, mma, &a, &b, &sum, multiply<M, K, PER_REGISTER>});
    }
    template <int M, int K> void add_f64(std::string_view shape, int target) {
        all_.push_back({kind<M, K>(shape, f64), f64, f64, f64, f64, M / 4, M / 8 * (K / 4), K / 4, M / 4, target,
                        mma_f64});
    }
    // .and, then .xor. All ones xor all ones is zero, so the undefined results of .xor are found as those of .and.
    template <int M, int K> void add_b1(std::string_view shape, int target) {
        constexpr int k_tiles = K / 128, sums = M / 4;
        all_.push_back({kind<M, K>(shape, b1), b1, b1, s32, s32, sums, M / 8 * k_tiles, k_tiles, sums, 80,
                        mma_and});
        all_.push_back({kind<M, K>(shape, b1, mma_and), b1, b1, s32, s32, sums, M / 8 * k_tiles, k_tiles,
                        sums, target, mma_xor});
    }

    std::vector<Form> all_;
};

}  // namespace
}  // namespace tensor

bool decode_tensor(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool wmma = in.opcode == "wmma" && in.has("mma") && (in.has("s4") || in.has("u4") || in.has("b1"));
    if (in.opcode != "mma" && !wmma) return false;
    using namespace tensor;
    static const Forms &forms = *new Forms;         // never freed, as TensorKind is
    Decoding d(in, instr, operands);
    if (wmma) d.need_one({"mma"});
    for (std::string_view modifier : {"sync", "aligned"}) d.need_one({modifier});
    std::vector<bool> columns;      // of a and b: column-major
    for (const std::string &m : in.modifiers)
        if (m == "row" || m == "col") columns.push_back(m == "col"), d.take(m);
    if (columns.size() != 2) operands.reject("needs the layouts of a and b");
    const bool satfinite = d.take("satfinite");
    const int bits = d.take_one({"and", "xor"});
    if (bits >= 0) d.need_one({"popc"});
    const Type c = d.take_type(), b = d.take_type(ptx::matrix_type_of), a = d.take_type(ptx::matrix_type_of),
               sum = d.take_type();

    const Form *form = forms.find([&](const Form &f) {
        const bool of_bits = f.a != b1 ? bits < 0 : bits >= 0 && (f.exec == mma_xor) == (bits == 1);
        return f.d == sum && f.a == a && f.b == b && f.c == c && of_bits && d.take(f.shape);
    });
    if (!form) operands.reject("this shape is not provided for these types");
    const bool quarters = form->exec == mma_quarters;
    if (!quarters && (columns[0] || !columns[1])) operands.reject("a is .row and b is .col");
    // wmma has less of these than mma has.
    if (wmma && (a != b || !form->shape.starts_with("m8"))) operands.reject("mma has this shape for these types");
    need_target(operands, form->target);

    d.expect(4);
    const int registers[] = {form->d_registers, form->a_registers, form->b_registers, form->c_registers};
    for (size_t i = 0; i < 4; ++i)
        if (in.operands[i].kind != ptx::Operand::Kind::vector ||
            in.operands[i].parts.size() != static_cast<size_t>(registers[i]))
            operands.reject("operand " + std::to_string(i) + " needs " + std::to_string(registers[i]) + " registers");
    if (a == f64) d.take("rn");
    const auto held = [](Type type) { return type == f64 || type == f32 ? type : b32; };
    operands.more_results(in.operands[0], held(sum));
    operands.more_sources(in.operands[1], held(a == f64 ? f64 : b32));
    operands.more_sources(in.operands[2], held(a == f64 ? f64 : b32));
    operands.more_sources(in.operands[3], held(c));
    instr.cls = Class::tensor;
    instr.tensor = form;
    instr.flow = Flow::converge;
    instr.has_mask = false;
    if (satfinite && (c != s32 || a == b1)) operands.reject("the modifier .satfinite is for sums of integers");
    instr.flags = static_cast<uint8_t>((satfinite ? SATFINITE : 0) | (columns[0] ? COLUMN_A : 0) |
                                       (columns[1] ? COLUMN_B : 0));
    d.finish(form->exec);
    return true;
}

}  // namespace softgpu
