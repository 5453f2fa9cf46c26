// cvt and cvt.pack (PTX manual, "Data Movement and Conversion Instructions").
//
// Integer to integer is direct. With a floating-point type, the source is converted to double, which is exact for all
// types but 64-bit integers. There it is rounded to an integer or saturated, and then rounded once to the format of the
// result. From f32 to narrower formats the conversion is direct.
#include <cmath>
#include <limits>
#include <utility>

#include "base/formats.h"
#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {
namespace {

// Bits of Instr::flags; SIGNED is for an integer result. Instr::imm is the Round. Instr::width is the size in bytes of
// the result register, which may be wider than the type.
enum Flag : uint8_t { FTZ = 1, SAT = 2, RELU = 4, SATFINITE = 8, INTEGRAL = 16, WIDE_SOURCE = 32, SIGNED = 64 };

// The lanes of a source of at most 32 bits; `lower` takes the lower halves of a 64-bit register.
const uint32_t *source(const Warp &warp, const Instr &instr, uint32_t (&lower)[LANES]) {
    if (!(instr.flags & WIDE_SOURCE)) return warp.lanes<const uint32_t>(instr.op[1]);
    const uint64_t *wide = warp.lanes<const uint64_t>(instr.op[1]);
    for (int l = 0; l < LANES; ++l) lower[l] = static_cast<uint32_t>(wide[l]);
    return lower;
}

// Writes the active lanes of the result register: 64-bit values, or narrower ones extended to 32 or 64 bits.
void store(const Warp &warp, const Instr &instr, const uint64_t *values) {
    for_lanes(warp, warp.lanes<uint64_t>(instr.op[0]), [=](int l) { return values[l]; });
}
void store(const Warp &warp, const Instr &instr, const uint32_t *values) {
    if (instr.width == 8) {
        const uint64_t sign = instr.flags & SIGNED ? 0x80000000u : 0;
        for_lanes(warp, warp.lanes<uint64_t>(instr.op[0]), [=](int l) { return (values[l] ^ sign) - sign; });
    } else {
        const uint32_t mask = instr.width == 4 ? FULL : (1u << 8 * instr.width) - 1;
        for_lanes(warp, warp.lanes<uint32_t>(instr.op[0]), [=](int l) { return values[l] & mask; });
    }
}

// Stores value(l), a number of type D or the bits of one.
template <class D, class F> void write(const Warp &warp, const Instr &instr, F value) {
    using Bits = std::conditional_t<sizeof(D) == 8, uint64_t, uint32_t>;
    Bits values[LANES];
    for (int l = 0; l < LANES; ++l) {
        if constexpr (std::is_same_v<D, double>) values[l] = std::bit_cast<Bits>(value(l));
        else values[l] = static_cast<Bits>(static_cast<D>(value(l)));
    }
    store(warp, instr, values);
}

// Integer to integer

template <class D, class S> constexpr bool superset() {
    return std::in_range<D>(std::numeric_limits<S>::min()) && std::in_range<D>(std::numeric_limits<S>::max());
}

template <class D, class S> D saturated(S x) {
    using Limits = std::numeric_limits<D>;
    if (std::cmp_less(x, Limits::min())) return Limits::min();
    return std::cmp_greater(x, Limits::max()) ? Limits::max() : static_cast<D>(x);
}

template <class D, class S, bool SATURATE> void integer(Warp &warp, const Instr &instr) {
    uint32_t lower[LANES];
    const auto *a = [&] {
        if constexpr (sizeof(S) == 8) return warp.lanes<const S>(instr.op[1]);
        else return source(warp, instr, lower);
    }();
    write<D>(warp, instr, [=](int l) {
        if constexpr (SATURATE) return saturated<D>(static_cast<S>(a[l]));
        else return static_cast<S>(a[l]);
    });
}

// Through double

// A 64-bit integer rounded to double.
template <Round R, class S> double rounded_integer(S x) {
    const bool negative = x < 0;
    const uint64_t magnitude = negative ? -static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
    const int excess = 64 - 53 - __builtin_clzll(magnitude | 1);
    double rounded = static_cast<double>(magnitude);
    if (excess > 0) {
        rounded = static_cast<double>(shift_right<R, unsigned __int128>(magnitude, excess, negative)) *
                  static_cast<double>(uint64_t(1) << excess);
    }
    return negative ? -rounded : rounded;
}

template <class F> void with_round(Round round, F f) {
    switch (round) {
    case Round::nearest: return f.template operator()<Round::nearest>();
    case Round::down: return f.template operator()<Round::down>();
    case Round::up: return f.template operator()<Round::up>();
    default: return f.template operator()<Round::zero>();
    }
}

// The sources as doubles. 64-bit integers are rounded by `round` if the result is a double, else to odd, since they are
// rounded again.
template <class S> [[gnu::noinline]] void load(const Warp &warp, const Instr &instr, bool to_double, double *v) {
    if constexpr (std::is_same_v<S, double>) {
        const double *a = warp.lanes<const double>(instr.op[1]);
        for (int l = 0; l < LANES; ++l) v[l] = a[l];
    } else if constexpr (sizeof(S) == 8) {
        const S *a = warp.lanes<const S>(instr.op[1]);
        const auto round = [=]<Round R>() {
            for (int l = 0; l < LANES; ++l) v[l] = rounded_integer<R>(a[l]);
        };
        if (to_double) with_round(static_cast<Round>(instr.imm), round);
        else round.template operator()<Round::odd>();
    } else {
        uint32_t lower[LANES];
        const uint32_t *a = source(warp, instr, lower);
        const bool ftz = instr.flags & FTZ;
        for (int l = 0; l < LANES; ++l) {
            if constexpr (std::is_same_v<S, float>) {
                const float x = std::bit_cast<float>(a[l]);
                v[l] = ftz ? flush(x) : x;
            } else if constexpr (std::is_integral_v<S>) {
                v[l] = static_cast<S>(a[l]);
            } else {
                v[l] = widen<S, double>(a[l] & 0xffff);
            }
        }
    }
}

void round_to_integral(Round round, double *v) {
    switch (round) {
    case Round::down: for (int l = 0; l < LANES; ++l) v[l] = std::floor(v[l]); break;
    case Round::up: for (int l = 0; l < LANES; ++l) v[l] = std::ceil(v[l]); break;
    case Round::zero: for (int l = 0; l < LANES; ++l) v[l] = std::trunc(v[l]); break;
    default: for (int l = 0; l < LANES; ++l) v[l] = std::nearbyint(v[l]); break;
    }
}

// .sat and .relu of a floating-point result. Rounding is monotonic and preserves 0 and 1, so it can be done after
// clamping.
template <class T> T limited(uint8_t flags, T x) {
    if (flags & SAT) {
        x = x > 0 ? x : 0;      // NaN and -0 become +0
        x = x < 1 ? x : 1;
    }
    if (flags & RELU) x = x <= 0 ? 0 : x;
    return x;
}

// An integral double as D, clamped to D's range.
template <class D> D clamped(double x, D nan) {
    using Limits = std::numeric_limits<D>;
    if constexpr (sizeof(D) == 8) {
        constexpr double end = std::is_signed_v<D> ? 0x1p63 : 0x1p64;   // the first value above the range
        if (x != x) return nan;
        return x >= end ? Limits::max() : x <= static_cast<double>(Limits::min()) ? Limits::min() : static_cast<D>(x);
    } else {
        constexpr double low = Limits::min(), high = Limits::max();
        const double inside = x < low ? low : x > high ? high : x == x ? x : static_cast<double>(nan);
        return static_cast<D>(static_cast<std::conditional_t<(high > INT32_MAX), int64_t, int32_t>>(inside));
    }
}

template <class D>
[[gnu::noinline]] void finish(const Warp &warp, const Instr &instr, bool from_double, const double *v) {
    const uint8_t flags = instr.flags;
    if constexpr (std::is_integral_v<D>) {
        // NaN to integer: "zero if source is not .f64 and destination is not .s64, .u64", else the highest bit set.
        const D nan = from_double || sizeof(D) == 8 ? static_cast<D>(uint64_t(1) << (8 * sizeof(D) - 1)) : D(0);
        write<D>(warp, instr, [=](int l) { return clamped<D>(v[l], nan); });
    } else if constexpr (std::is_same_v<D, double>) {
        write<double>(warp, instr, [=](int l) { return limited(flags, v[l]); });
    } else {
        using Target = std::conditional_t<std::is_same_v<D, float>, F32, D>;
        const bool ftz = std::is_same_v<D, float> && (flags & FTZ);
        with_round(static_cast<Round>(instr.imm), [=, &warp, &instr]<Round R>() {
            write<uint32_t>(warp, instr, [=](int l) {
                const double x = limited(flags, v[l]);
                uint32_t bits;
                // The host rounds to nearest itself, which is the most common mode.
                if constexpr (R == Round::nearest && std::is_same_v<D, float>)
                    bits = std::bit_cast<uint32_t>(canonical(static_cast<float>(x)));
                else bits = narrow<Target, R>(x);
                return ftz ? flush<Target>(bits) : bits;
            });
        });
    }
}

// S or D or both are floating-point: float, double, F16 or BF16.
template <class D, class S> void through_double(Warp &warp, const Instr &instr) {
    double v[LANES];
    load<S>(warp, instr, std::is_same_v<D, double>, v);
    if (instr.flags & INTEGRAL) round_to_integral(static_cast<Round>(instr.imm), v);
    finish<D>(warp, instr, std::is_same_v<S, double>, v);
}

// From f32 to narrower formats

template <class F, Round R> uint32_t narrowed(uint8_t flags, uint32_t bits) {
    float x = std::bit_cast<float>(bits);
    if (flags & FTZ) x = flush(x);
    x = limited(flags, x);
    if (flags & SATFINITE) {
        constexpr float most = widen<F, float>(F::max_norm);
        x = x > most ? most : x < -most ? -most : x;
    }
    // A tf32 value is in the upper bits of its register.
    return narrow<F, R>(x) << (std::is_same_v<F, TF32> ? 13 : 0);
}

template <class F, Round R> void from_f32(Warp &warp, const Instr &instr) {
    uint32_t lower[LANES];
    const uint32_t *a = source(warp, instr, lower);
    const uint8_t flags = instr.flags;
    write<uint32_t>(warp, instr, [=](int l) { return narrowed<F, R>(flags, a[l]); });
}

// The first source becomes the upper half.
template <class F, Round R> void pair_from_f32(Warp &warp, const Instr &instr) {
    const uint32_t *a = warp.lanes<const uint32_t>(instr.op[1]), *b = warp.lanes<const uint32_t>(instr.op[2]);
    const uint8_t flags = instr.flags;
    constexpr int bits = 1 + F::exponent_bits + F::fraction_bits;
    write<uint32_t>(warp, instr,
                    [=](int l) { return narrowed<F, R>(flags, a[l]) << bits | narrowed<F, R>(flags, b[l]); });
}

// Pairs of 8-bit floats (F) from and to pairs of f16.
template <class F> void pair_from_f16(Warp &warp, const Instr &instr) {
    const uint32_t *a = warp.lanes<const uint32_t>(instr.op[1]);
    const uint8_t flags = instr.flags;
    const auto part = [=](uint32_t half) {
        return narrowed<F, Round::nearest>(flags, std::bit_cast<uint32_t>(widen<F16, float>(half)));
    };
    write<uint32_t>(warp, instr, [=](int l) { return part(a[l] >> 16) << 8 | part(a[l] & 0xffff); });
}

template <class F> void pair_to_f16(Warp &warp, const Instr &instr) {
    const uint32_t *a = warp.lanes<const uint32_t>(instr.op[1]);
    const uint8_t flags = instr.flags;
    const auto part = [=](uint32_t byte) {
        return narrowed<F16, Round::nearest>(flags, std::bit_cast<uint32_t>(widen<F, float>(byte)));
    };
    write<uint32_t>(warp, instr, [=](int l) { return part(a[l] >> 8 & 0xff) << 16 | part(a[l] & 0xff); });
}

// cvt.pack: d = c << 2 * bits | a << bits | b, a and b saturated; the 16-bit types have no c.
template <class D> void pack(Warp &warp, const Instr &instr) {
    const int32_t *a = warp.lanes<const int32_t>(instr.op[1]), *b = warp.lanes<const int32_t>(instr.op[2]);
    constexpr int bits = 8 * sizeof(D);
    const auto packed = [=](int l) {
        using U = std::make_unsigned_t<D>;
        return uint32_t(U(saturated<D>(a[l]))) << bits | U(saturated<D>(b[l]));
    };
    if constexpr (bits == 16) {
        write<uint32_t>(warp, instr, packed);
    } else {
        const uint32_t *c = warp.lanes<const uint32_t>(instr.op[3]);
        write<uint32_t>(warp, instr, [=](int l) { return c[l] << 2 * bits | packed(l); });
    }
}

// Decoding

using ptx::Type;

bool is_integer(Type type) { return type >= Type::b8 && type <= Type::s64; }

// Calls f<T>() for the C++ type, or the Format, of an integer type or of f16, bf16, f32 and f64.
template <class F> Exec with_type(Type type, F f) {
    switch (type) {
    case Type::u8: return f.template operator()<uint8_t>();
    case Type::s8: return f.template operator()<int8_t>();
    case Type::u16: return f.template operator()<uint16_t>();
    case Type::s16: return f.template operator()<int16_t>();
    case Type::u32: return f.template operator()<uint32_t>();
    case Type::s32: return f.template operator()<int32_t>();
    case Type::u64: return f.template operator()<uint64_t>();
    case Type::s64: return f.template operator()<int64_t>();
    case Type::f16: return f.template operator()<F16>();
    case Type::bf16: return f.template operator()<BF16>();
    case Type::f32: return f.template operator()<float>();
    case Type::f64: return f.template operator()<double>();
    default: return nullptr;
    }
}

Exec general(Type to, Type from, bool saturate) {
    return with_type(to, [&]<class D>() {
        return with_type(from, [&]<class S>() -> Exec {
            if constexpr (!std::is_integral_v<D> || !std::is_integral_v<S>) return through_double<D, S>;
            else if constexpr (superset<D, S>()) return saturate ? nullptr : integer<D, S, false>;
            else return saturate ? integer<D, S, true> : integer<D, S, false>;
        });
    });
}

// Indexed by Round: nearest, down, up, zero, away.
template <class F>
constexpr Exec FROM_F32[] = {from_f32<F, Round::nearest>, from_f32<F, Round::down>, from_f32<F, Round::up>,
                             from_f32<F, Round::zero>, from_f32<F, Round::away>};
template <class F>
constexpr Exec PAIR_FROM_F32[] = {pair_from_f32<F, Round::nearest>, nullptr, nullptr, pair_from_f32<F, Round::zero>};

// The type to pass to Operands for a register that may be wider than `type`, and the register's size in bytes.
struct Place {
    Type type;
    uint8_t bytes;
};
Place place(Decoding &d, const ptx::Operand &operand, Type type) {
    const int bytes = ptx::size(type);
    const Place natural = {type, static_cast<uint8_t>(bytes)};
    if (operand.kind != ptx::Operand::Kind::reg) return natural;
    const ptx::Register &reg = d.operands.function().registers[operand.reg];
    const int declared = ptx::size(reg.type);
    if (declared == bytes || reg.type == Type::pred) return natural;
    if (declared < bytes) d.operands.reject("register " + reg.name + " is too narrow");
    if (type == Type::bf16 || type == Type::bf16x2 || type == Type::tf32)
        d.operands.reject("register " + reg.name + " is too wide");
    return {declared == 8 ? Type::b64 : declared == 4 ? Type::b32 : Type::b16, static_cast<uint8_t>(declared)};
}

void bind(Decoding &d, Type to, Type from, size_t sources) {
    d.expect(1 + sources);
    const Place result = place(d, d.in.operands[0], to);
    d.instr.width = result.bytes;
    d.operands.result(0, d.in.operands[0], result.type);
    for (size_t i = 1; i <= sources; ++i) {
        const Place source = place(d, d.in.operands[i], from);
        if (source.bytes == 8 && ptx::size(from) < 8) {
            if (sources > 1) d.operands.reject("64-bit registers are not provided for these sources");
            d.instr.flags |= WIDE_SOURCE;
        }
        d.operands.source(static_cast<int>(i), d.in.operands[i], source.type);
    }
    if (sources == 2 && result.bytes == ptx::size(to)) d.instr.spread = Spread::pair;
}

// cvt.frnd{.relu}{.satfinite}.type.f32 for the types narrower than f32. Only f16 and bf16 have .rm, .rp, .ftz and (f16)
// .sat, but not together with .relu or .satfinite.
void decode_from_f32(Decoding &d, Type to) {
    const bool single = to == Type::f16 || to == Type::bf16, tf32 = to == Type::tf32;
    const bool pair = !single && !tf32;
    const Round round = tf32 ? d.take("rna") ? Round::away : d.need_one({"rn", "rz"}) ? Round::zero : Round::nearest
                             : static_cast<Round>(d.need_one({"rn", "rm", "rp", "rz"}));
    uint8_t &flags = d.instr.flags;
    if (round != Round::away && d.take("relu")) flags |= RELU;
    if (d.take("satfinite")) flags |= SATFINITE;
    const bool plain = flags == 0;
    if (single && plain && d.take("ftz")) flags |= FTZ;
    if (to == Type::f16 && plain && d.take("sat")) flags |= SAT;
    if (!plain && (round == Round::down || round == Round::up))
        d.operands.reject(".relu and .satfinite need .rn or .rz");
    need_target(d.operands, tf32 && round != Round::away ? flags & SATFINITE ? 100 : 90 : to == Type::f16 ? 53 : 80);

    bind(d, to, Type::f32, pair ? 2 : 1);
    const int r = static_cast<int>(round);
    d.finish(tf32 ? FROM_F32<TF32>[r] : to == Type::f16 ? FROM_F32<F16>[r] : to == Type::bf16 ? FROM_F32<BF16>[r]
           : to == Type::f16x2 ? PAIR_FROM_F32<F16>[r] : PAIR_FROM_F32<BF16>[r]);
}

bool is_fp8(Type type) { return type == Type::e4m3x2 || type == Type::e5m2x2; }

// cvt.rn.satfinite{.relu}.fp8.f32, cvt.rn.satfinite{.relu}.fp8.f16x2, cvt.rn{.relu}.f16x2.fp8
void decode_fp8(Decoding &d, Type to, Type from) {
    d.need_one({"rn"});
    if (is_fp8(to)) {
        d.need_one({"satfinite"});
        d.instr.flags |= SATFINITE;
    }
    if (d.take("relu")) d.instr.flags |= RELU;
    need_target(d.operands, 89);
    bind(d, to, from, from == Type::f32 ? 2 : 1);
    const bool e4m3 = to == Type::e4m3x2 || from == Type::e4m3x2;
    if (from == Type::f32)
        d.finish(e4m3 ? pair_from_f32<E4M3, Round::nearest> : pair_from_f32<E5M2, Round::nearest>);
    else if (from == Type::f16x2)
        d.finish(e4m3 ? pair_from_f16<E4M3> : pair_from_f16<E5M2>);
    else
        d.finish(to != Type::f16x2 ? nullptr : e4m3 ? pair_to_f16<E4M3> : pair_to_f16<E5M2>);
}

void decode_pack(Decoding &d) {
    d.need_one({"sat"});
    const bool with_c = d.take("b32");
    d.need_one({"s32"});
    const Type type = d.take_type();
    static constexpr struct { Type type; bool with_c; Exec exec; } forms[] = {
        {Type::u16, false, pack<uint16_t>}, {Type::s16, false, pack<int16_t>},
        {Type::u8, true, pack<uint8_t>}, {Type::s8, true, pack<int8_t>},
    };
    Exec exec = nullptr;
    for (const auto &form : forms)
        if (form.type == type && form.with_c == with_c) exec = form.exec;
    bind(d, Type::b32, Type::b32, with_c ? 3 : 2);
    d.finish(exec);
}

void decode_general(Decoding &d, Type to, Type from) {
    const bool from_integer = is_integer(from), to_integer = is_integer(to);
    const bool f32 = to == Type::f32 || from == Type::f32;
    uint8_t &flags = d.instr.flags;
    if (f32 && d.take("ftz")) flags |= FTZ;

    // bf16 has no .sat. Of the conversions with bf16, sm_80 has only those from f32 without .ftz.
    if (to != Type::bf16 && d.take("sat")) flags |= SAT;
    if (to == Type::bf16 || (from == Type::bf16 && (to != Type::f32 || flags & FTZ))) need_target(d.operands, 90);

    if (to_integer && !from_integer) {
        d.instr.imm = d.need_one({"rni", "rmi", "rpi", "rzi"});
        flags |= INTEGRAL;
        flags &= ~SAT;      // no effect: the result is clamped anyway
    } else if (to == from && !to_integer) {
        const int round = d.take_one({"rni", "rmi", "rpi", "rzi"});
        if (round >= 0) {
            d.instr.imm = round;
            flags |= INTEGRAL;
        }
    } else if (!to_integer && (from_integer || ptx::size(to) <= ptx::size(from))) {
        d.instr.imm = d.need_one({"rn", "rm", "rp", "rz"});
    }
    if (to_integer && ptx::is_signed(to)) flags |= SIGNED;
    if (from_integer && !(flags & SAT)) d.instr.spread = to_integer ? Spread::bits : Spread::decided;
    bind(d, to, from, 1);
    d.finish(general(to, from, flags & SAT));
}

}  // namespace

bool decode_convert(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode != "cvt") return false;
    Decoding d(in, instr, operands);
    instr.cls = Class::convert;
    if (d.take("pack")) {
        decode_pack(d);
        return true;
    }
    const Type from = d.take_type(), to = d.take_type();
    // The types from f16 to tf32 in Type's order: formats narrower than f32, and pairs of them.
    if (is_fp8(from) || is_fp8(to)) decode_fp8(d, to, from);
    else if (from == Type::f32 && to >= Type::f16 && to <= Type::tf32) decode_from_f32(d, to);
    else decode_general(d, to, from);
    return true;
}

}  // namespace softgpu
