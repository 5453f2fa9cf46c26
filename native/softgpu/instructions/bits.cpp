// Logic, shifts, bit fields and permutation: PTX manual 9.7.1 (popc to bmsk), 9.7.8 and, for prmt, 9.7.9.
#include "instructions/bits.h"

#include <bit>

#include "machine/lanes.h"

namespace softgpu {
namespace {

using ptx::Type;

template <class T> constexpr uint32_t BITS = 8 * sizeof(T);

// The lowest n bits, 0 <= n <= BITS.
template <class U> inline U low_bits(uint32_t n) { return n == 0 ? U{0} : static_cast<U>(~U{0}) >> (BITS<U> - n); }

struct And { template <class T> T operator()(T a, T b) const { return a & b; } };
struct Or { template <class T> T operator()(T a, T b) const { return a | b; } };
struct Xor { template <class T> T operator()(T a, T b) const { return a ^ b; } };
struct Not { template <class T> T operator()(T a) const { return static_cast<T>(~a); } };
struct CNot { template <class T> T operator()(T a) const { return a == 0; } };

// Any function of three bits: bit 4a + 2b + c of immLut is its value. Selected by c, then b, then a.
struct Lop3 {
    uint32_t lut[8];
    explicit Lop3(const Instr &instr) {
        for (int i = 0; i < 8; ++i) lut[i] = -(static_cast<uint32_t>(instr.imm) >> i & 1);
    }
    static uint32_t choose(uint32_t by, uint32_t one, uint32_t zero) { return zero ^ (by & (one ^ zero)); }
    uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
        const uint32_t a1 = choose(b, choose(c, lut[7], lut[6]), choose(c, lut[5], lut[4]));
        const uint32_t a0 = choose(b, choose(c, lut[3], lut[2]), choose(c, lut[1], lut[0]));
        return choose(a, a1, a0);
    }
};

// Shift amounts above the width are clamped to the width.
struct ShiftLeft {
    template <class T> T operator()(T a, uint32_t n) const { return n < BITS<T> ? static_cast<T>(a << n) : T{0}; }
};
struct ShiftRight {
    template <class T> T operator()(T a, uint32_t n) const {
        if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> (n < BITS<T> ? n : BITS<T> - 1));
        else return n < BITS<T> ? static_cast<T>(a >> n) : T{0};
    }
};

template <bool left, bool wraps> struct FunnelShift {
    uint32_t operator()(uint32_t a, uint32_t b, uint32_t n) const {
        n = wraps ? n & 31 : n < 32 ? n : 32;
        const uint64_t both = static_cast<uint64_t>(b) << 32 | a;
        return static_cast<uint32_t>(left ? (both << n) >> 32 : both >> n);
    }
};

struct PopCount { template <class U> uint32_t operator()(U a) const { return std::popcount(a); } };
struct LeadingZeros { template <class U> uint32_t operator()(U a) const { return std::countl_zero(a); } };

// The highest bit that differs from the sign bit; with .shiftamt its distance from the top.
template <bool shiftamt> struct FindBit {
    template <class T> uint32_t operator()(T a) const {
        using U = std::make_unsigned_t<T>;
        const uint32_t from_top = std::countl_zero(a < 0 ? static_cast<U>(~a) : static_cast<U>(a));
        return from_top == BITS<T> ? FULL : shiftamt ? from_top : BITS<T> - 1 - from_top;
    }
};

struct Reverse {
    template <class U> U operator()(U a) const {
        const auto swap = [&a](int n, U low) { a = (a >> n & low) | (a & low) << n; };
        swap(1, static_cast<U>(0x5555555555555555u));
        swap(2, static_cast<U>(0x3333333333333333u));
        swap(4, static_cast<U>(0x0f0f0f0f0f0f0f0fu));
        if constexpr (sizeof(U) == 8) return __builtin_bswap64(a);
        else return __builtin_bswap32(a);
    }
};

// The number of bits of a field that are inside the register.
template <class T> inline uint32_t field_bits(uint32_t position, uint32_t length) {
    const uint32_t room = position < BITS<T> ? BITS<T> - position : 0;
    return length < room ? length : room;
}

struct ExtractField {
    template <class T> T operator()(T a, uint32_t position, uint32_t length) const {
        using U = std::make_unsigned_t<T>;
        position &= 0xff;
        length &= 0xff;
        const U mask = low_bits<U>(field_bits<T>(position, length));
        const U field = (position < BITS<T> ? static_cast<U>(a) >> position : 0) & mask;
        if constexpr (std::is_unsigned_v<T>) return field;
        const uint32_t top = position + length - 1;
        const bool sign = length != 0 && (a >> (top < BITS<T> ? top : BITS<T> - 1) & 1);
        return static_cast<T>(sign ? field | ~mask : field);
    }
};

struct InsertField {
    template <class U> U operator()(U a, U b, uint32_t position, uint32_t length) const {
        position &= 0xff;
        length &= 0xff;
        if (position >= BITS<U>) return b;
        const U mask = low_bits<U>(field_bits<U>(position, length)) << position;
        return (a << position & mask) | (b & ~mask);
    }
};

template <bool clamps> struct FieldMask {
    uint32_t operator()(uint32_t position, uint32_t length) const {
        if (clamps && position >= 32) return 0;
        position &= 31;
        const uint32_t above = FULL << position;
        if (clamps && length >= 32) return above;
        length &= 31;
        return position + length < 32 ? above & ~(FULL << (position + length)) : above;
    }
};

// Extends n bits to 32, with sign if T is signed.
template <bool clamps> struct Extend {
    template <class T> T operator()(T a, uint32_t n) const {
        if (clamps && n >= 32) return a;
        n &= 31;
        if (n == 0) return 0;
        return static_cast<T>(static_cast<uint32_t>(a) << (32 - n)) >> (32 - n);
    }
};

// The position of the offset-th set bit of `mask`, counted from `base` upwards, or downwards if negative.
struct FindNthSet {
    uint32_t operator()(uint32_t mask, uint32_t base, int32_t offset) const {
        const int step = offset < 0 ? -1 : 1;
        int64_t wanted = offset < 0 ? -int64_t{offset} : offset;
        if (wanted == 0) return base < 32 && (mask >> base & 1) ? base : FULL;
        for (uint32_t at = base; at < 32; at += step)
            if ((mask >> at & 1) && --wanted == 0) return at;
        return FULL;
    }
};

// prmt: byte i of the result is byte `from` of b:a.
inline uint32_t byte_of(uint32_t a, uint32_t b, uint32_t from) {
    return static_cast<uint32_t>((static_cast<uint64_t>(b) << 32 | a) >> (8 * from)) & 0xff;
}
struct Permute {
    uint32_t operator()(uint32_t a, uint32_t b, uint32_t selector) const {
        uint32_t d = 0;
        for (int i = 0; i < 4; ++i) {
            const uint32_t select = selector >> (4 * i);
            uint32_t byte = byte_of(a, b, select & 7);
            if (select & 8) byte = byte & 0x80 ? 0xff : 0;  // only the sign of the byte, replicated
            d |= byte << (8 * i);
        }
        return d;
    }
};
// The modes. From gives the byte for position i and a selector of 0 to 3.
template <class From> struct PermuteBy {
    uint32_t operator()(uint32_t a, uint32_t b, uint32_t selector) const {
        uint32_t d = 0;
        for (uint32_t i = 0; i < 4; ++i) d |= byte_of(a, b, From{}(i, selector & 3)) << (8 * i);
        return d;
    }
};
struct Forward4 { uint32_t operator()(uint32_t i, uint32_t c) const { return c + i; } };
struct Backward4 { uint32_t operator()(uint32_t i, uint32_t c) const { return (c - i) & 7; } };
struct Replicate8 { uint32_t operator()(uint32_t, uint32_t c) const { return c; } };
struct EdgeLeft { uint32_t operator()(uint32_t i, uint32_t c) const { return i > c ? i : c; } };
struct EdgeRight { uint32_t operator()(uint32_t i, uint32_t c) const { return i < c ? i : c; } };
struct Replicate16 { uint32_t operator()(uint32_t i, uint32_t c) const { return 2 * (c & 1) + (i & 1); } };

template <class Op> constexpr Exec of_two = lanewise<Op, uint32_t, uint32_t, uint32_t>;
template <class Op> constexpr Exec of_three = lanewise<Op, uint32_t, uint32_t, uint32_t, uint32_t>;

// Logic on predicates: Op on the bits of all lanes at once.
template <class Op> void logic2(Warp &warp, const Instr &instr) {
    warp.set_predicate(instr.op[0], Op{}(warp.predicate(instr.op[1]), warp.predicate(instr.op[2])));
}
template <class Op> void logic1(Warp &warp, const Instr &instr) {
    warp.set_predicate(instr.op[0], Op{}(warp.predicate(instr.op[1])));
}

// Each bit of the result depends on one bit of each source, but for the sources that `steers` names.
void choose_bits(Decoding &d, uint8_t steers = 0) {
    d.instr.spread = Spread::bits;
    d.instr.steers = steers;
}

// and, or, xor.
template <class Op> void logic(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, type});
    choose_bits(d);
    if (type == Type::pred) d.finish(logic2<Op>);
    else d.finish(pick_bits(type, []<class U>() -> Exec { return lanewise<Op, U, U, U>; }));
}

void logical_not(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type});
    choose_bits(d);
    if (type == Type::pred) d.finish(logic1<Not>);
    else d.finish(pick_bits(type, []<class U>() -> Exec { return lanewise<Not, U, U>; }));
}

void c_not(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type});
    d.instr.spread = Spread::decided;
    d.finish(pick_bits(type, []<class U>() -> Exec { return lanewise<CNot, U, U>; }));
}

// lop3.and and lop3.or: also a predicate, (d != 0) and or or another one. Program::slots has this one after the first.
template <class Op> void lop3_with_predicate(Warp &warp, const Instr &instr) {
    const Slot *const predicates = warp.slots + instr.more;
    const uint32_t other = warp.predicate(predicates[1]);
    of_three<Lop3>(warp, instr);
    const uint32_t *d = warp.lanes<uint32_t>(instr.op[0]);
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l) bits |= static_cast<uint32_t>(d[l] != 0) << l;
    warp.set_predicate(predicates[0], Op{}(bits, other));
}

void lop3(Decoding &d) {
    const int with = d.take_one({"and", "or"});
    d.expect(with < 0 ? 5 : 6);
    for (int i = 1; i <= 3; ++i) d.operands.source(i, d.in.operands[i], Type::b32);
    const ptx::Operand &result = d.in.operands[0];
    if (with < 0) {
        d.operands.result(0, result, Type::b32);
        d.instr.spread = Spread::bits;
    } else {
        if (result.kind != ptx::Operand::Kind::pair) d.operands.reject("needs two results, d|p");
        d.operands.result(0, result.parts[0], Type::b32);
        d.operands.more_results(result.parts[1], Type::pred);
        d.operands.more_sources(d.in.operands[5], Type::pred);
    }
    const ptx::Operand &lut = d.in.operands[4];
    if (lut.kind != ptx::Operand::Kind::integer || lut.integer > 0xff) d.operands.reject("immLut must be 0 to 255");
    d.instr.imm = static_cast<int64_t>(lut.integer);
    const Exec execs[] = {of_three<Lop3>, lop3_with_predicate<And>, lop3_with_predicate<Or>};
    d.finish(d.take_type() == Type::b32 ? execs[with + 1] : nullptr);
}

void shift_left(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, Type::u32});
    choose_bits(d, 1 << 2);
    d.finish(pick_bits(type, []<class U>() -> Exec { return lanewise<ShiftLeft, U, U, uint32_t>; }));
}

void shift_right(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, Type::u32});
    choose_bits(d, 1 << 2);
    const auto make = []<class T>() -> Exec { return lanewise<ShiftRight, T, T, uint32_t>; };
    const Exec exec = pick_bits(type, make);
    d.finish(exec ? exec : pick_integer(type, make));
}

void funnel_shift(Decoding &d) {
    const bool left = d.need_one({"l", "r"}) == 0, wraps = d.need_one({"clamp", "wrap"}) == 1;
    const Type type = d.take_type();
    d.bind({type, type, type, Type::u32});
    choose_bits(d, 1 << 3);
    d.finish(type != Type::b32 ? nullptr
             : left            ? (wraps ? of_three<FunnelShift<true, true>> : of_three<FunnelShift<true, false>>)
                               : (wraps ? of_three<FunnelShift<false, true>> : of_three<FunnelShift<false, false>>));
}

// popc, clz: of .b32 or .b64, a .u32.
template <class Op> void count_bits(Decoding &d) {
    const Type type = d.take_type();
    d.bind({Type::u32, type});
    d.finish(type == Type::b32   ? lanewise<Op, uint32_t, uint32_t>
             : type == Type::b64 ? lanewise<Op, uint32_t, uint64_t>
                                 : nullptr);
}

void find_bit(Decoding &d) {
    const bool shiftamt = d.take("shiftamt");
    const Type type = d.take_type();
    d.bind({Type::u32, type});
    d.finish(pick_word(type, [shiftamt]<class T>() -> Exec {
        return shiftamt ? lanewise<FindBit<true>, uint32_t, T> : lanewise<FindBit<false>, uint32_t, T>;
    }));
}

void reverse_bits(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type});
    choose_bits(d);
    d.finish(type == Type::b32   ? lanewise<Reverse, uint32_t, uint32_t>
             : type == Type::b64 ? lanewise<Reverse, uint64_t, uint64_t>
                                 : nullptr);
}

void extract_field(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, Type::u32, Type::u32});
    choose_bits(d, 1 << 2 | 1 << 3);
    d.finish(pick_word(type, []<class T>() -> Exec { return lanewise<ExtractField, T, T, uint32_t, uint32_t>; }));
}

void insert_field(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, type, Type::u32, Type::u32});
    choose_bits(d, 1 << 3 | 1 << 4);
    d.finish(type == Type::b32   ? lanewise<InsertField, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>
             : type == Type::b64 ? lanewise<InsertField, uint64_t, uint64_t, uint64_t, uint32_t, uint32_t>
                                 : nullptr);
}

void field_mask(Decoding &d) {
    const bool clamps = d.need_one({"clamp", "wrap"}) == 0;
    const Type type = d.take_type();
    d.bind({type, Type::u32, Type::u32});
    d.finish(type != Type::b32 ? nullptr : clamps ? of_two<FieldMask<true>> : of_two<FieldMask<false>>);
}

void extend(Decoding &d) {
    const bool clamps = d.need_one({"clamp", "wrap"}) == 0;
    const Type type = d.take_type();
    d.bind({type, type, Type::u32});
    choose_bits(d, 1 << 2);
    d.finish(pick<uint32_t, int32_t>(type, [clamps]<class T>() -> Exec {
        return clamps ? lanewise<Extend<true>, T, T, uint32_t> : lanewise<Extend<false>, T, T, uint32_t>;
    }));
}

void find_nth_set(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, Type::b32, Type::s32});
    d.finish(type == Type::b32 ? lanewise<FindNthSet, uint32_t, uint32_t, uint32_t, int32_t> : nullptr);
}

void permute(Decoding &d) {
    constexpr Exec modes[] = {of_three<PermuteBy<Forward4>>, of_three<PermuteBy<Backward4>>,
                              of_three<PermuteBy<Replicate8>>, of_three<PermuteBy<EdgeLeft>>,
                              of_three<PermuteBy<EdgeRight>>, of_three<PermuteBy<Replicate16>>, of_three<Permute>};
    const int mode = d.take_one({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}, 6);
    const Type type = d.take_type();
    d.bind({type, type, type, Type::b32});
    choose_bits(d, 1 << 3);
    d.finish(type == Type::b32 ? modes[mode] : nullptr);
}

}  // namespace

const Opcodes &bit_opcodes() {
    static const Opcodes opcodes = {
        {"and", logic<And>},
        {"or", logic<Or>},
        {"xor", logic<Xor>},
        {"not", logical_not},
        {"cnot", c_not},
        {"lop3", lop3},
        {"shl", shift_left},
        {"shr", shift_right},
        {"shf", funnel_shift},
        {"popc", count_bits<PopCount>},
        {"clz", count_bits<LeadingZeros>},
        {"bfind", find_bit},
        {"brev", reverse_bits},
        {"bfe", extract_field},
        {"bfi", insert_field},
        {"bmsk", field_mask},
        {"szext", extend},
        {"fns", find_nth_set},
        {"prmt", permute},
    };
    return opcodes;
}

}  // namespace softgpu
