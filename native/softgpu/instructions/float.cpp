// Arithmetic of f32 and f64: PTX manual 9.7.3. For f16 and bf16 see half.cpp.
#include <cmath>
#include <limits>

#include "base/float_math.h"
#include "instructions/families.h"
#include "machine/lanes.h"
#include "program/decoding.h"

namespace softgpu {
namespace {

using ptx::Type;

template <class F> using Bits = std::conditional_t<sizeof(F) == 8, uint64_t, uint32_t>;
template <class F> constexpr Bits<F> SIGN = Bits<F>{1} << (8 * sizeof(F) - 1);
template <class F> constexpr Bits<F> INFINITE = std::bit_cast<Bits<F>>(std::numeric_limits<F>::infinity());
template <class F> constexpr Bits<F> LEAST_NORMAL = std::bit_cast<Bits<F>>(std::numeric_limits<F>::min());

template <class F> inline Bits<F> bits(F x) { return std::bit_cast<Bits<F>>(x); }
template <class F> inline F from_bits(Bits<F> x) { return std::bit_cast<F>(x); }
template <class F> inline F magnitude(F x) { return from_bits<F>(bits(x) & ~SIGN<F>); }

struct Add { template <class F> F operator()(F a, F b) const { return a + b; } };
struct Sub { template <class F> F operator()(F a, F b) const { return a - b; } };
struct Mul { template <class F> F operator()(F a, F b) const { return a * b; } };
struct Fma { template <class F> F operator()(F a, F b, F c) const { return std::fma(a, b, c); } };
struct Div { template <class F> F operator()(F a, F b) const { return a / b; } };
struct Rcp { template <class F> F operator()(F a) const { return F{1} / a; } };
struct Sqrt { template <class F> F operator()(F a) const { return std::sqrt(a); } };
struct Abs { template <class F> F operator()(F a) const { return magnitude(a); } };
struct Neg { template <class F> F operator()(F a) const { return from_bits<F>(bits(a) ^ SIGN<F>); } };
// The sign of a, the other bits of b.
struct CopySign {
    template <class F> F operator()(F a, F b) const {
        return from_bits<F>((bits(a) & SIGN<F>) | (bits(b) & ~SIGN<F>));
    }
};

// min and max: -0 is less than +0; Of a number and a NaN the result is the number, but with .NaN it is NaN. xorsign:
// min or max of the magnitudes, with the sign of the product, unless the result is NaN.
template <bool greatest, bool keep_nan, bool xorsign> struct Extreme {
    template <class F> F operator()(F a, F b) const {
        const F x = xorsign ? magnitude(a) : a, y = xorsign ? magnitude(b) : b;
        // Equal numbers have the same bits, or are zeros.
        const F equal = from_bits<F>(greatest ? bits(x) & bits(y) : bits(x) | bits(y));
        F d = x == y ? equal : (greatest ? x > y : x < y) ? x : y;
        d = x != x ? (keep_nan ? x : y) : y != y ? (keep_nan ? y : x) : d;
        if (xorsign && d == d) d = from_bits<F>(bits(d) | ((bits(a) ^ bits(b)) & SIGN<F>));
        return d;
    }
};

// div.approx is a * (1/b), where 1/b is flushed to 0 if |b| is above 2^126.
struct DivApprox {
    float operator()(float a, float b) const {
        const float size = magnitude(b);
        return size > 0x1p126f && size < HUGE_VALF ? a * CopySign{}(b, 0.0f) : a / b;
    }
};
// Functions that devices approximate: computed in double and rounded once.
template <double (*function)(double)> struct Approximate {
    template <class F> F operator()(F a) const { return static_cast<F>(function(a)); }
};
inline double reciprocal(double a) { return 1.0 / a; }
inline double reciprocal_root(double a) { return 1.0 / std::sqrt(a); }

// The f64 approximations that use only the upper word of source and result, and flush subnormals.
template <double (*function)(double)> struct UpperWord {
    static double word(double x) {
        const uint64_t upper = bits(x) & 0xffffffff00000000u;
        return from_bits<double>((upper & INFINITE<double>) == 0 ? upper & SIGN<double> : upper);
    }
    double operator()(double a) const {
        const double d = function(word(a));
        return d != d ? from_bits<double>(NAN_BITS_F64_APPROX) : word(from_bits<double>(bits(d) + 0x80000000u));
    }
};

// An operation on f32 with its modifiers.
template <class Op, bool ftz, bool sat> struct Single {
    template <class... F> float operator()(F... source) const {
        const float exact = Op{}((ftz ? flush(source) : source)...);
        const float d = ftz ? flush(exact) : exact;
        return sat ? saturate(d) : canonical(d);
    }
};

// The same, with the rounding mode in Instr::flags.
template <Exec exec> void in_mode(Warp &warp, const Instr &instr) {
    const RoundingMode mode(static_cast<Rounding>(instr.flags));
    exec(warp, instr);
}

template <class Op, class F, int sources> constexpr Exec same() {
    if constexpr (sources == 1) return lanewise<Op, F, F>;
    else if constexpr (sources == 2) return lanewise<Op, F, F, F>;
    else return lanewise<Op, F, F, F, F>;
}
template <class Op, class F, int sources> Exec rounding(Rounding mode) {
    return mode == Rounding::nearest ? same<Op, F, sources>() : in_mode<same<Op, F, sources>()>;
}

template <int sources> void bind_same(Decoding &d, Type type) {
    if constexpr (sources == 1) d.bind({type, type});
    else if constexpr (sources == 2) d.bind({type, type, type});
    else d.bind({type, type, type, type});
}

// Operations without a rounding modifier: f32 with optional .ftz, and f64.
template <class Op, int sources> void plain(Decoding &d, Type type) {
    bind_same<sources>(d, type);
    if (type == Type::f64) d.finish(same<Op, double, sources>());
    else d.finish(d.take("ftz") ? same<Single<Op, true, false>, float, sources>()
                                : same<Single<Op, false, false>, float, sources>());
}

// Operations with IEEE 754 rounding; to nearest if the rounding modifier is omitted.
enum class Round { required, may_omit };
enum class Saturate { no, yes };
template <class Op, int sources, Round modifier, Saturate saturation = Saturate::no>
void rounded(Decoding &d, Type type) {
    bind_same<sources>(d, type);
    const int index = modifier == Round::required ? d.need_one({"rn", "rm", "rp", "rz"})
                                                  : d.take_one({"rn", "rm", "rp", "rz"}, 0);
    d.instr.flags = static_cast<uint8_t>(index);
    const auto mode = static_cast<Rounding>(index);
    if (type == Type::f64) {
        d.finish(rounding<Op, double, sources>(mode));
        return;
    }
    const bool ftz = d.take("ftz");
    if constexpr (saturation == Saturate::yes) {
        if (d.take("sat")) {
            d.finish(ftz ? rounding<Single<Op, true, true>, float, sources>(mode)
                         : rounding<Single<Op, false, true>, float, sources>(mode));
            return;
        }
    }
    d.finish(ftz ? rounding<Single<Op, true, false>, float, sources>(mode)
                 : rounding<Single<Op, false, false>, float, sources>(mode));
}

// div, rcp and sqrt of f32 are many instructions on devices.
void special_f32(Decoding &d, Type type) {
    if (type == Type::f32) d.instr.cls = Class::special;
}

void div(Decoding &d, Type type) {
    special_f32(d, type);
    const int loose = type == Type::f32 ? d.take_one({"approx", "full"}) : -1;
    if (loose < 0) rounded<Div, 2, Round::required>(d, type);
    else if (loose == 0) plain<DivApprox, 2>(d, type);
    else plain<Div, 2>(d, type);
}

void sqrt(Decoding &d, Type type) {
    special_f32(d, type);
    if (type == Type::f32 && d.take("approx")) plain<Sqrt, 1>(d, type);
    else rounded<Sqrt, 1, Round::required>(d, type);
}

// Approximations of f64.
void special_f64(Decoding &d, Exec exec) {
    d.instr.cls = Class::special;
    d.bind({Type::f64, Type::f64});
    d.finish(exec);
}

void rcp(Decoding &d, Type type) {
    special_f32(d, type);
    if (!d.take("approx")) rounded<Rcp, 1, Round::required>(d, type);
    else if (type == Type::f32) plain<Rcp, 1>(d, type);
    else special_f64(d, d.take("ftz") ? lanewise<UpperWord<reciprocal>, double, double> : nullptr);
}

void rsqrt(Decoding &d, Type type) {
    special_f32(d, type);
    d.need_one({"approx"});
    if (type == Type::f32) plain<Approximate<reciprocal_root>, 1>(d, type);
    else special_f64(d, d.take("ftz") ? lanewise<UpperWord<reciprocal_root>, double, double>
                                     : lanewise<Approximate<reciprocal_root>, double, double>);
}

template <double (*function)(double)> void approximated(Decoding &d, Type type) {
    if (d.in.opcode == "tanh" && d.in.has("ftz")) d.operands.reject("tanh has no .ftz");
    if (type != Type::f32) d.operands.reject("not provided for this type");
    d.instr.cls = Class::special;
    d.need_one({"approx"});
    plain<Approximate<function>, 1>(d, type);
}

template <bool greatest> void extreme(Decoding &d, Type type) {
    if (d.in.operands.size() == 4) d.operands.reject("three sources need sm_100");
    const bool keep_nan = type == Type::f32 && d.take("NaN"), xorsign = type == Type::f32 && d.take("xorsign");
    if (xorsign) d.need_one({"abs"});
    if (xorsign) keep_nan ? plain<Extreme<greatest, true, true>, 2>(d, type)
                          : plain<Extreme<greatest, false, true>, 2>(d, type);
    else keep_nan ? plain<Extreme<greatest, true, false>, 2>(d, type)
                  : plain<Extreme<greatest, false, false>, 2>(d, type);
}

void copysign(Decoding &d, Type type) {
    d.bind({type, type, type});
    d.finish(pick<float, double>(type, []<class F>() -> Exec { return lanewise<CopySign, F, F, F>; }));
}

struct Finite { template <class F> bool operator()(F a) const { return bits(magnitude(a)) < INFINITE<F>; } };
struct Infinite { template <class F> bool operator()(F a) const { return bits(magnitude(a)) == INFINITE<F>; } };
struct Number { template <class F> bool operator()(F a) const { return bits(magnitude(a)) <= INFINITE<F>; } };
struct NotANumber { template <class F> bool operator()(F a) const { return bits(magnitude(a)) > INFINITE<F>; } };
struct Subnormal {
    template <class F> bool operator()(F a) const {
        return bits(magnitude(a)) != 0 && bits(magnitude(a)) < LEAST_NORMAL<F>;
    }
};
// testp.normal: zero counts as normal.
struct Normal { template <class F> bool operator()(F a) const { return Finite{}(a) && !Subnormal{}(a); } };

template <class Op, class F> void test(Warp &warp, const Instr &instr) {
    warp.set_predicate(instr.op[0], lanes_where<Op, F>(warp, instr, 1));
}

void testp(Decoding &d, Type type) {
    d.bind({Type::pred, type});
    const int property = d.need_one({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
    d.finish(pick<float, double>(type, [property]<class F>() -> Exec {
        constexpr Exec tests[] = {test<Finite, F>, test<Infinite, F>, test<Number, F>, test<NotANumber, F>,
                                  test<Normal, F>, test<Subnormal, F>};
        return tests[property];
    }));
}

const std::unordered_map<std::string_view, void (*)(Decoding &, Type)> float_opcodes = {
    {"add", rounded<Add, 2, Round::may_omit, Saturate::yes>},
    {"sub", rounded<Sub, 2, Round::may_omit, Saturate::yes>},
    {"mul", rounded<Mul, 2, Round::may_omit, Saturate::yes>},
    {"fma", rounded<Fma, 3, Round::required, Saturate::yes>},
    {"mad", rounded<Fma, 3, Round::required, Saturate::yes>},
    {"div", div},
    {"rcp", rcp},
    {"sqrt", sqrt},
    {"rsqrt", rsqrt},
    {"abs", plain<Abs, 1>},
    {"neg", plain<Neg, 1>},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"copysign", copysign},
    {"testp", testp},
    {"sin", approximated<std::sin>},
    {"cos", approximated<std::cos>},
    {"lg2", approximated<std::log2>},
    {"ex2", approximated<std::exp2>},
    {"tanh", approximated<std::tanh>},
};

}  // namespace

bool decode_float(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const auto found = float_opcodes.find(in.opcode);
    if (found == float_opcodes.end()) return false;
    Decoding decoding(in, instr, operands);
    const Type type = decoding.take_type();
    if (type != Type::f32 && type != Type::f64) return false;
    instr.cls = type == Type::f32 ? Class::float32 : Class::float64;
    found->second(decoding, type);
    return true;
}

}  // namespace softgpu
