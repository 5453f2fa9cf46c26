// Arithmetic and comparison of f16, bf16 and packed pairs of them (PTX manual, "Half Precision Floating Point
// Instructions" and "Half Precision Comparison Instructions").
//
// Every result is rounded once. Values and products of two values are exact in float for f16, in double for bf16. A
// sum is rounded to odd, so that the second rounding to 11 or 8 bits gives the correctly rounded result
// (base/formats.h). The .approx functions are computed in double and rounded, which is more accurate than devices.
#include <cmath>

#include "base/formats.h"
#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {
namespace {

// Instr::flags
enum Flag : uint8_t { FTZ = 1, SAT = 2, RELU = 4, NAN_WINS = 8, XORSIGN = 16 };

template <class F> double to_double(uint32_t bits) { return widen<F, double>(bits); }
template <class F> uint32_t to_nearest(double x) { return narrow<F, Round::nearest>(x); }

// The type that holds products of values of F exactly, and whose sums to odd round correctly: at least two bits more
// than F has. In float, twice as many lanes are computed at once.
template <class F> using Wide = std::conditional_t<std::is_same_v<F, F16>, float, double>;
template <class F> Wide<F> wide(uint32_t bits) { return widen<F, Wide<F>>(bits); }
template <class F> uint32_t rounded(Wide<F> x) { return narrow<F, Round::nearest>(x); }

// The operations, from the bits of the operands to the bits of the result.
struct Add {
    template <class F> static uint32_t apply(uint8_t, uint32_t a, uint32_t b) {
        return rounded<F>(sum_to_odd(wide<F>(a), wide<F>(b)));
    }
};
struct Sub {
    template <class F> static uint32_t apply(uint8_t, uint32_t a, uint32_t b) {
        return rounded<F>(sum_to_odd(wide<F>(a), -wide<F>(b)));
    }
};
struct Mul {
    template <class F> static uint32_t apply(uint8_t, uint32_t a, uint32_t b) {
        return rounded<F>(wide<F>(a) * wide<F>(b));
    }
};
struct Fma {
    template <class F> static uint32_t apply(uint8_t, uint32_t a, uint32_t b, uint32_t c) {
        return rounded<F>(sum_to_odd(wide<F>(a) * wide<F>(b), wide<F>(c)));
    }
};
struct Neg {
    template <class F> static uint32_t apply(uint8_t, uint32_t a) { return is_nan<F>(a) ? F::nan : a ^ F::sign; }
};
struct Abs {
    template <class F> static uint32_t apply(uint8_t, uint32_t a) { return is_nan<F>(a) ? F::nan : a & ~F::sign; }
};
struct Ex2 {
    template <class F> static uint32_t apply(uint8_t, uint32_t a) { return to_nearest<F>(std::exp2(to_double<F>(a))); }
};
struct Tanh {
    template <class F> static uint32_t apply(uint8_t, uint32_t a) { return to_nearest<F>(std::tanh(to_double<F>(a))); }
};

// Bits as integers in the order of the values, with -0 below +0.
template <class F> int32_t ordered(uint32_t a) {
    return a & F::sign ? -1 - static_cast<int32_t>(a & ~F::sign) : static_cast<int32_t>(a);
}

template <bool MAX> struct MinMax {
    template <class F> static uint32_t apply(uint8_t flags, uint32_t a, uint32_t b) {
        const uint32_t sign = flags & XORSIGN ? (a ^ b) & F::sign : 0;
        const uint32_t kept = flags & XORSIGN ? ~F::sign : ~uint32_t(0);
        const uint32_t x = a & kept, y = b & kept;
        const uint32_t best = (ordered<F>(x) < ordered<F>(y)) != MAX ? x : y;
        const uint32_t number = (is_nan<F>(a) ? y : is_nan<F>(b) ? x : best) | sign;
        const bool nan = flags & NAN_WINS ? is_nan<F>(a) | is_nan<F>(b) : is_nan<F>(a) & is_nan<F>(b);
        return nan ? F::nan : number;
    }
};

// The effect of the modifiers on operands and results. .sat makes -0 to +0.
// Without branches, so that loops over lanes vectorise.
constexpr uint32_t all_if(bool condition) { return condition ? ~uint32_t(0) : 0; }
template <class F> [[gnu::always_inline]] inline uint32_t operand(uint8_t flags, uint32_t bits) {
    const uint32_t keeps = all_if((bits & F::infinity) != 0) | all_if(!(flags & FTZ));
    return bits & (keeps | F::sign);
}
template <class F> [[gnu::always_inline]] inline uint32_t finished(uint8_t flags, uint32_t bits) {
    bits = operand<F>(flags, bits);
    const uint32_t negative = all_if((bits & F::sign) != 0);
    bits &= ~(negative & all_if(flags & RELU));
    const uint32_t least = static_cast<int32_t>(bits) > static_cast<int32_t>(F::one) ? F::one : bits;
    const uint32_t saturated = ~(negative | all_if(is_nan<F>(bits))) & least;
    const uint32_t sat = all_if(flags & SAT);
    return (saturated & sat) | (bits & ~sat);
}

// op[0] = Op(op[1], ...), with COUNT sources; PACKED for both halves of a b32.
template <class Op, class F, bool PACKED, int COUNT> void half(Warp &warp, const Instr &instr) {
    const uint8_t flags = instr.flags;
    const uint32_t *source[COUNT];
    for (int i = 0; i < COUNT; ++i) source[i] = warp.lanes<const uint32_t>(instr.op[1 + i]);

    const auto lane = [flags](auto... bits) {
        return finished<F>(flags, Op::template apply<F>(flags, operand<F>(flags, bits)...));
    };
    const auto both = [lane](auto... bits) {
        if constexpr (PACKED) return lane((bits & 0xffff)...) | lane((bits >> 16)...) << 16;
        else return lane(bits...);
    };
    uint32_t *d = warp.lanes<uint32_t>(instr.op[0]);
    const uint32_t *a = source[0], *b = source[COUNT > 1], *c = source[COUNT - 1];
    if constexpr (COUNT == 1) for_lanes(warp, d, [=](int l) { return both(a[l]); });
    else if constexpr (COUNT == 2) for_lanes(warp, d, [=](int l) { return both(a[l], b[l]); });
    else for_lanes(warp, d, [=](int l) { return both(a[l], b[l], c[l]); });
}

// Decodes an instruction that has the modifier `form` (or may have it), accepts the modifiers in `f16_flags` and
// `bf16_flags`, and exists for bf16 from sm_`bf16_target` on.
struct Operation {
    std::string_view opcode;
    int sources;
    std::string_view form;
    bool optional;
    uint8_t f16_flags, bf16_flags;
    int bf16_target;
    Class cls;
    Exec exec[4];       // f16, f16x2, bf16, bf16x2
};

template <class Op, int COUNT>
constexpr Operation operation(std::string_view opcode, std::string_view form, bool optional, int f16_flags,
                              int bf16_flags, int bf16_target, Class cls = Class::half) {
    return {opcode, COUNT, form, optional,
            static_cast<uint8_t>(f16_flags), static_cast<uint8_t>(bf16_flags), bf16_target, cls,
            {half<Op, F16, false, COUNT>, half<Op, F16, true, COUNT>,
             half<Op, BF16, false, COUNT>, half<Op, BF16, true, COUNT>}};
}

constexpr Operation OPERATIONS[] = {
    operation<Add, 2>("add", "rn", true, FTZ | SAT, 0, 90),
    operation<Sub, 2>("sub", "rn", true, FTZ | SAT, 0, 90),
    operation<Mul, 2>("mul", "rn", true, FTZ | SAT, 0, 90),
    operation<Fma, 3>("fma", "rn", false, FTZ | SAT | RELU, RELU, 80),
    operation<Neg, 1>("neg", "", true, FTZ, 0, 80),
    operation<Abs, 1>("abs", "", true, FTZ, 0, 80),
    operation<MinMax<false>, 2>("min", "", true, FTZ | NAN_WINS | XORSIGN, NAN_WINS | XORSIGN, 80),
    operation<MinMax<true>, 2>("max", "", true, FTZ | NAN_WINS | XORSIGN, NAN_WINS | XORSIGN, 80),
    operation<Ex2, 1>("ex2", "approx", false, 0, FTZ, 90, Class::special),
    operation<Tanh, 1>("tanh", "approx", false, 0, 0, 90, Class::special),
};

// A comparison is the set of outcomes (less, equal, greater, unordered) for which it is true.
enum Outcome : uint8_t { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };
struct Comparison {
    std::string_view modifier;
    uint8_t outcomes;
};
constexpr Comparison COMPARISONS[] = {
    {"eq", EQUAL}, {"ne", LESS | GREATER}, {"lt", LESS}, {"le", LESS | EQUAL}, {"gt", GREATER}, {"ge", GREATER | EQUAL},
    {"equ", EQUAL | UNORDERED}, {"neu", LESS | GREATER | UNORDERED}, {"ltu", LESS | UNORDERED},
    {"leu", LESS | EQUAL | UNORDERED}, {"gtu", GREATER | UNORDERED}, {"geu", GREATER | EQUAL | UNORDERED},
    {"num", LESS | EQUAL | GREATER}, {"nan", UNORDERED},
};

// Instr::flags of a comparison: the outcomes, how to combine with predicate op[4], and .ftz.
enum class Bool : uint8_t { none, land, lor, lxor };
constexpr int BOOL_SHIFT = 4;
constexpr uint8_t COMPARE_FTZ = 64;

// The lanes for which the comparison of op[2] and op[3] is true, for the halves that begin at bit `shift`.
template <class F> uint32_t compare(const Warp &warp, const Instr &instr, int shift) {
    const uint32_t *a = warp.lanes<const uint32_t>(instr.op[2]), *b = warp.lanes<const uint32_t>(instr.op[3]);
    const uint32_t outcomes = instr.flags;
    const uint8_t ftz = instr.flags & COMPARE_FTZ ? FTZ : 0;
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l) {
        const float x = widen<F, float>(operand<F>(ftz, a[l] >> shift & 0xffff));
        const float y = widen<F, float>(operand<F>(ftz, b[l] >> shift & 0xffff));
        const uint32_t outcome = x < y ? LESS : x > y ? GREATER : x == y ? EQUAL : UNORDERED;
        bits |= static_cast<uint32_t>((outcomes & outcome) != 0) << l;
    }
    switch (static_cast<Bool>(instr.flags >> BOOL_SHIFT & 3)) {
    case Bool::land: return bits & warp.predicate(instr.op[4]);
    case Bool::lor: return bits | warp.predicate(instr.op[4]);
    case Bool::lxor: return bits ^ warp.predicate(instr.op[4]);
    default: return bits;
    }
}

// op[0] and op[1] are predicates: for the lower half, and for the upper half if both are compared.
template <class F> void setp(Warp &warp, const Instr &instr) {
    const uint32_t lower = compare<F>(warp, instr, 0);
    if (instr.op[1] != NO_SLOT) {
        const uint32_t upper = compare<F>(warp, instr, 16);
        warp.set_predicate(instr.op[1], upper);
    }
    warp.set_predicate(instr.op[0], lower);
}

// op[0] is imm if the comparison is true, else 0.
template <class F, bool PACKED> void set(Warp &warp, const Instr &instr) {
    const uint32_t lower = compare<F>(warp, instr, 0);
    const uint32_t upper = PACKED ? compare<F>(warp, instr, 16) : 0;
    const uint32_t yes = static_cast<uint32_t>(instr.imm);
    for_lanes(warp, warp.lanes<uint32_t>(instr.op[0]), [=](int l) {
        return (lower >> l & 1 ? yes : 0) | (upper >> l & 1 ? yes << 16 : 0);
    });
}

bool is_half(ptx::Type type) { return type >= ptx::Type::f16 && type <= ptx::Type::bf16x2; }
bool is_packed(ptx::Type type) { return type == ptx::Type::f16x2 || type == ptx::Type::bf16x2; }
bool is_bf16(ptx::Type type) { return type == ptx::Type::bf16 || type == ptx::Type::bf16x2; }

void decode_arithmetic(Decoding &d, const Operation &op, ptx::Type type) {
    const bool bf16 = is_bf16(type);
    if (bf16) need_target(d.operands, op.bf16_target);
    const uint8_t allowed = bf16 ? op.bf16_flags : op.f16_flags;
    uint8_t flags = 0;
    const auto modifier = [&](Flag flag, std::string_view name) {
        if ((allowed & flag) && d.take(name)) flags |= flag;
    };
    modifier(FTZ, "ftz");
    modifier(SAT, "sat");
    modifier(RELU, "relu");
    modifier(NAN_WINS, "NaN");
    modifier(XORSIGN, "xorsign");
    if ((flags & SAT) && (flags & RELU)) d.operands.reject(".sat and .relu exclude each other");
    if (flags & XORSIGN) {
        d.need_one({"abs"});
        need_target(d.operands, 86);
    }
    if (op.opcode == "ex2" && bf16 && !(flags & FTZ)) d.operands.reject("needs .ftz for this type");

    if (!d.take(op.form) && !op.optional) d.operands.reject("needs ." + std::string(op.form));

    d.instr.cls = op.cls;
    d.instr.flags = flags;
    d.instr.spread = is_packed(type) ? Spread::halves : Spread::all;
    d.expect(1 + op.sources);
    d.operands.result(0, d.in.operands[0], type);
    for (int i = 1; i <= op.sources; ++i) d.operands.source(i, d.in.operands[i], type);
    d.finish(op.exec[2 * bf16 + is_packed(type)]);
}

// The operands a, b and, with a .BoolOp, c; and the modifiers common to setp and set.
void decode_comparison(Decoding &d, ptx::Type type) {
    if (is_bf16(type)) need_target(d.operands, 90);
    d.instr.cls = Class::half;
    for (const Comparison &c : COMPARISONS)
        if (d.take(c.modifier)) d.instr.flags |= c.outcomes;
    if (!d.instr.flags) d.operands.reject("has no comparison operator");
    if (!is_bf16(type) && d.take("ftz")) d.instr.flags |= COMPARE_FTZ;
    const int combine = d.take_one({"and", "or", "xor"}) + 1;
    d.instr.flags |= combine << BOOL_SHIFT;
    if (is_packed(type)) d.instr.spread = Spread::halves;
    d.expect(combine ? 4 : 3);
    d.operands.source(2, d.in.operands[1], type);
    d.operands.source(3, d.in.operands[2], type);
    if (combine) d.operands.source(4, d.in.operands[3], ptx::Type::pred);
}

void decode_setp(Decoding &d, ptx::Type type) {
    decode_comparison(d, type);
    const ptx::Operand &to = d.in.operands[0];
    if (to.kind == ptx::Operand::Kind::pair) {
        if (!is_packed(type)) d.operands.reject("has one result only for this type");
        d.operands.result(0, to.parts[0], ptx::Type::pred);
        d.operands.result(1, to.parts[1], ptx::Type::pred);
    } else {
        d.operands.result(0, to, ptx::Type::pred);
    }
    d.finish(is_bf16(type) ? setp<BF16> : setp<F16>);
}

void decode_set(Decoding &d, ptx::Type type) {
    using enum ptx::Type;
    decode_comparison(d, type);
    const ptx::Type to = d.take_type();
    const bool packed = is_packed(type);
    const bool same = to == type || (type == f16 && to == bf16);
    const bool integer = to == u32 || to == s32 || (!packed && (to == u16 || to == s16));
    if (!same && !integer) d.operands.reject("not provided for this type of result");
    d.instr.imm = to == f16 || to == f16x2 ? F16::one : to == bf16 || to == bf16x2 ? BF16::one
                : packed || ptx::size(to) == 2 ? 0xffff : 0xffffffff;
    if (is_bf16(to)) need_target(d.operands, 90);
    d.operands.result(0, d.in.operands[0], to);
    d.finish(is_bf16(type) ? packed ? set<BF16, true> : set<BF16, false> : packed ? set<F16, true> : set<F16, false>);
}

}  // namespace

bool decode_half(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    Decoding d(in, instr, operands);
    const ptx::Type type = d.take_type();
    if (!is_half(type)) return false;
    if (in.opcode == "setp") {
        decode_setp(d, type);
        return true;
    }
    if (in.opcode == "set") {
        decode_set(d, type);
        return true;
    }
    for (const Operation &op : OPERATIONS) {
        if (op.opcode != in.opcode) continue;
        decode_arithmetic(d, op, type);
        return true;
    }
    return false;
}

}  // namespace softgpu
