// Comparison and selection: PTX manual 9.7.6. Those of halves are in half.cpp.
#include "base/float_math.h"
#include "instructions/families.h"
#include "machine/lanes.h"
#include "program/decoding.h"

namespace softgpu {
namespace {

using ptx::Type;

struct Eq { template <class T> bool operator()(T a, T b) const { return a == b; } };
struct Ne { template <class T> bool operator()(T a, T b) const { return a < b || a > b; } };  // false for a NaN
struct Lt { template <class T> bool operator()(T a, T b) const { return a < b; } };
struct Le { template <class T> bool operator()(T a, T b) const { return a <= b; } };
struct Gt { template <class T> bool operator()(T a, T b) const { return a > b; } };
struct Ge { template <class T> bool operator()(T a, T b) const { return a >= b; } };
// True if neither is NaN (num); negated, if one is NaN (nan).
struct Num { template <class T> bool operator()(T a, T b) const { return a == a && b == b; } };
// equ, ltu and so on are the negation of the opposite ordered comparison, so they are true for NaN.
template <class Opposite> struct Unless {
    template <class T> bool operator()(T a, T b) const { return !Opposite{}(a, b); }
};
// .ftz
template <class Op> struct Flushed { bool operator()(float a, float b) const { return Op{}(flush(a), flush(b)); } };

// Values of Instr::flags: how the comparison t is combined with the predicate c.
enum Combine : uint8_t { ALONE, AND, OR, XOR };

uint32_t combine(uint8_t how, uint32_t t, uint32_t c) {
    switch (how) {
    case AND: return t & c;
    case OR: return t | c;
    case XOR: return t ^ c;
    default: return t;
    }
}

// setp: p from the comparison, and q, if present, from its negation.
template <class Op, class T> void set_predicate(Warp &warp, const Instr &instr) {
    const uint32_t t = lanes_where<Op, T, T>(warp, instr, 2);
    const uint32_t c = instr.flags == ALONE ? 0 : warp.predicate(instr.op[4]);
    warp.set_predicate(instr.op[0], combine(instr.flags, t, c));
    if (instr.op[1] != NO_SLOT) warp.set_predicate(instr.op[1], combine(instr.flags, ~t, c));
}

// set: stores the bits in imm for true, 0 for false.
template <class Op, class T> void set_value(Warp &warp, const Instr &instr) {
    const uint32_t t = lanes_where<Op, T, T>(warp, instr, 1);
    const uint32_t bits = combine(instr.flags, t, instr.flags == ALONE ? 0 : warp.predicate(instr.op[3]));
    const uint32_t yes = static_cast<uint32_t>(instr.imm);
    for_lanes(warp, warp.lanes<uint32_t>(instr.op[0]), [=](int l) { return bits >> l & 1 ? yes : 0; });
}

// selp d, a, b, c: a if the predicate c is true, else b. H is the type of a lane.
template <class H> void select(Warp &warp, const Instr &instr) {
    const H *a = warp.lanes<H>(instr.op[1]), *b = warp.lanes<H>(instr.op[2]);
    const uint32_t c = warp.predicate(instr.op[3]);
    for_lanes(warp, warp.lanes<H>(instr.op[0]), [=](int l) { return c >> l & 1 ? a[l] : b[l]; });
}

// slct d, a, b, c: a if c >= 0, else b. NaN selects b, and -0 counts as 0.
struct SelectBySign {
    template <class H, class C> H operator()(H a, H b, C c) const { return c >= C{0} ? a : b; }
};
struct SelectBySignFlushed {
    template <class H> H operator()(H a, H b, float c) const { return flush(c) >= 0.0f ? a : b; }
};

enum class Kind { bits, unsigned_integer, signed_integer, floating, other };
Kind kind(Type type) {
    switch (type) {
    case Type::b16: case Type::b32: case Type::b64: return Kind::bits;
    case Type::u16: case Type::u32: case Type::u64: return Kind::unsigned_integer;
    case Type::s16: case Type::s32: case Type::s64: return Kind::signed_integer;
    case Type::f32: case Type::f64: return Kind::floating;
    default: return Kind::other;
    }
}
bool is_half(Type type) {
    return type == Type::f16 || type == Type::f16x2 || type == Type::bf16 || type == Type::bf16x2;
}

// The exec function of a comparison: Set::exec is set_predicate or set_value.
template <class Set> struct Comparison {
    Decoding &d;
    Type type;
    bool ftz;   // for f32 only

    template <class Op> Exec on_floats() const {
        if (ftz) return Set::template exec<Flushed<Op>, float>;
        return pick<float, double>(type, []<class T>() -> Exec { return Set::template exec<Op, T>; });
    }
    // Op for every type; .b types have only eq and ne.
    template <class Op> Exec on_all() const {
        if (kind(type) == Kind::floating) return on_floats<Op>();
        const auto make = []<class T>() -> Exec { return Set::template exec<Op, T>; };
        if (std::is_same_v<Op, Eq> || std::is_same_v<Op, Ne>)
            if (const Exec exec = pick_bits(type, make)) return exec;
        return pick_integer(type, make);
    }
    // lo, ls, hi, hs.
    template <class Op> Exec on_unsigned() const {
        return pick<uint16_t, uint32_t, uint64_t>(type, []<class T>() -> Exec { return Set::template exec<Op, T>; });
    }

    Exec decode() const {
        const int op = d.need_one({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
                                   "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
        switch (op) {
        case 0: return on_all<Eq>();
        case 1: return on_all<Ne>();
        case 2: return on_all<Lt>();
        case 3: return on_all<Le>();
        case 4: return on_all<Gt>();
        case 5: return on_all<Ge>();
        case 6: return on_unsigned<Lt>();
        case 7: return on_unsigned<Le>();
        case 8: return on_unsigned<Gt>();
        case 9: return on_unsigned<Ge>();
        case 10: return on_floats<Unless<Ne>>();
        case 11: return on_floats<Unless<Eq>>();
        case 12: return on_floats<Unless<Ge>>();
        case 13: return on_floats<Unless<Gt>>();
        case 14: return on_floats<Unless<Le>>();
        case 15: return on_floats<Unless<Lt>>();
        case 16: return on_floats<Num>();
        default: return on_floats<Unless<Num>>();
        }
    }
};
struct SetPredicate { template <class Op, class T> static constexpr Exec exec = set_predicate<Op, T>; };
struct SetValue { template <class Op, class T> static constexpr Exec exec = set_value<Op, T>; };

Class class_of(Type type) {
    return type == Type::f32 ? Class::float32 : type == Type::f64 ? Class::float64 : Class::integer;
}

// The operands a and b, and c if there is .and, .or or .xor: from op[first] and PTX operand `at` on.
void bind_compared(Decoding &d, int first, int at, Type type) {
    d.instr.flags = static_cast<uint8_t>(d.take_one({"and", "or", "xor"}) + 1);
    d.instr.spread = Spread::decided;
    d.instr.compares = static_cast<uint8_t>(first);
    d.expect(d.instr.flags == ALONE ? at + 2 : at + 3);
    d.operands.source(first, d.in.operands[at], type);
    d.operands.source(first + 1, d.in.operands[at + 1], type);
    if (d.instr.flags != ALONE) d.operands.source(first + 2, d.in.operands[at + 2], Type::pred);
}

void setp(Decoding &d) {
    const Type type = d.take_type();
    bind_compared(d, 2, 1, type);
    const ptx::Operand &p = d.in.operands[0];
    if (p.kind == ptx::Operand::Kind::pair) {
        for (int i = 0; i < 2; ++i) d.operands.result(i, p.parts[i], Type::pred);
    } else {
        d.operands.result(0, p, Type::pred);
    }
    d.instr.cls = class_of(type);
    d.finish(Comparison<SetPredicate>{d, type, type == Type::f32 && d.take("ftz")}.decode());
}

void set(Decoding &d) {
    const Type type = d.take_type(), result = d.take_type();
    bind_compared(d, 1, 1, type);
    d.operands.result(0, d.in.operands[0], result);
    d.instr.cls = class_of(type);
    if (result != Type::u32 && result != Type::s32 && result != Type::f32)
        d.operands.reject("needs .u32, .s32 or .f32");
    d.instr.imm = result == Type::f32 ? std::bit_cast<uint32_t>(1.0f) : FULL;
    d.finish(Comparison<SetValue>{d, type, type == Type::f32 && d.take("ftz")}.decode());
}

void selp(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, type, Type::pred});
    d.instr.spread = Spread::bits;
    d.finish(kind(type) == Kind::other ? nullptr : ptx::size(type) == 8 ? select<uint64_t> : select<uint32_t>);
}

template <class H> Exec slct_by(Type by, bool ftz) {
    if (ftz) return by == Type::f32 ? lanewise<SelectBySignFlushed, H, H, H, float> : nullptr;
    return pick<int32_t, float>(by, []<class C>() -> Exec { return lanewise<SelectBySign, H, H, H, C>; });
}

void slct(Decoding &d) {
    const Type by = d.take_type(), type = d.take_type();
    d.bind({type, type, type, by});
    d.instr.spread = Spread::bits;
    const bool ftz = d.take("ftz");
    d.finish(kind(type) == Kind::other ? nullptr
             : ptx::size(type) == 8    ? slct_by<uint64_t>(by, ftz)
                                       : slct_by<uint32_t>(by, ftz));
}

const Opcodes compare_opcodes = {{"setp", setp}, {"set", set}, {"selp", selp}, {"slct", slct}};

}  // namespace

bool decode_compare(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const auto found = compare_opcodes.find(in.opcode);
    if (found == compare_opcodes.end()) return false;
    for (const std::string &modifier : in.modifiers)
        if (is_half(ptx::type_of(modifier))) return false;
    Decoding decoding(in, instr, operands);
    found->second(decoding);
    return true;
}

}  // namespace softgpu
