// Integer arithmetic: PTX manual 9.7.1 and, with the carry flag, 9.7.2. Logic, shifts and bit fields are in
// bits.cpp.
#include "instructions/bits.h"
#include "instructions/families.h"
#include "machine/lanes.h"
#include "program/decoding.h"

namespace softgpu {
namespace {

using ptx::Type;

template <class T> using Unsigned = std::make_unsigned_t<T>;
// The type for products: unsigned and at least as wide as int, so that no promotion to a signed type can overflow.
template <class T> using Word = decltype(Unsigned<T>{} + 0u);

template <class T> struct Twice;
template <> struct Twice<uint16_t> { using type = uint32_t; };
template <> struct Twice<int16_t> { using type = int32_t; };
template <> struct Twice<uint32_t> { using type = uint64_t; };
template <> struct Twice<int32_t> { using type = int64_t; };
__extension__ template <> struct Twice<uint64_t> { using type = unsigned __int128; };
__extension__ template <> struct Twice<int64_t> { using type = __int128; };
template <class T> using Wide = typename Twice<T>::type;

inline int32_t clamp_s32(int64_t x) {
    return static_cast<int32_t>(x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x);
}

struct Add { template <class T> T operator()(T a, T b) const { return a + b; } };
struct Sub { template <class T> T operator()(T a, T b) const { return a - b; } };
struct AddSaturating { int32_t operator()(int32_t a, int32_t b) const { return clamp_s32(int64_t{a} + b); } };
struct SubSaturating { int32_t operator()(int32_t a, int32_t b) const { return clamp_s32(int64_t{a} - b); } };

struct MulLow { template <class T> T operator()(T a, T b) const { return static_cast<T>(Word<T>(a) * Word<T>(b)); } };
struct MulHigh {
    template <class T> T operator()(T a, T b) const { return static_cast<T>((Wide<T>(a) * b) >> (8 * sizeof(T))); }
};
struct MulWide { template <class T> Wide<T> operator()(T a, T b) const { return Wide<T>(a) * b; } };

// The 48-bit products of 24-bit values, of mul24: bits 31..0 or 47..16.
template <class T> inline Wide<T> product24(T a, T b) {
    constexpr auto low24 = [](T x) { return static_cast<T>(static_cast<uint32_t>(x) << 8) >> 8; };
    return Wide<T>(low24(a)) * low24(b);
}
struct Mul24Low { template <class T> T operator()(T a, T b) const { return static_cast<T>(product24(a, b)); } };
struct Mul24High { template <class T> T operator()(T a, T b) const { return static_cast<T>(product24(a, b) >> 16); } };

template <class Product> struct MulAdd {
    template <class T, class D> D operator()(T a, T b, D c) const {
        return static_cast<D>(static_cast<Unsigned<D>>(Product{}(a, b)) + static_cast<Unsigned<D>>(c));
    }
};
template <class Product> struct MulAddSaturating {
    int32_t operator()(int32_t a, int32_t b, int32_t c) const { return clamp_s32(int64_t{Product{}(a, b)} + c); }
};

struct Sad {
    template <class T> T operator()(T a, T b, T c) const {
        using U = Unsigned<T>;
        return static_cast<T>(U(c) + (a < b ? U(b) - U(a) : U(a) - U(b)));
    }
};

// The manual does not define division by zero. Devices return all ones, and the dividend as the remainder. The quotient
// of INT_MIN and -1 is INT_MIN, as in wrapping negation.
struct Div {
    template <class T> T operator()(T a, T b) const {
        if (b == 0) return static_cast<T>(~T{0});
        if (std::is_signed_v<T> && b == T(-1)) return static_cast<T>(Word<T>{0} - Word<T>(a));
        return static_cast<T>(a / b);
    }
};
struct Rem {
    template <class T> T operator()(T a, T b) const {
        if (b == 0) return a;
        if (std::is_signed_v<T> && b == T(-1)) return 0;
        return static_cast<T>(a % b);
    }
};

struct Neg { template <class T> T operator()(T a) const { return static_cast<T>(Unsigned<T>{0} - Unsigned<T>(a)); } };
struct Abs { template <class T> T operator()(T a) const { return a < 0 ? Neg{}(a) : a; } };

struct Min { template <class T> T operator()(T a, T b) const { return a < b ? a : b; } };
struct Max { template <class T> T operator()(T a, T b) const { return a > b ? a : b; } };
template <class Op> struct Relu {
    template <class T> T operator()(T a, T b) const { return Max{}(Op{}(a, b), T{0}); }
};

// .u16x2, .s16x2: Op on each half.
template <class Op, class T> struct Halves {
    uint32_t operator()(uint32_t a, uint32_t b) const {
        const auto low = static_cast<uint16_t>(Op{}(static_cast<T>(a), static_cast<T>(b)));
        const auto high = static_cast<uint16_t>(Op{}(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
        return static_cast<uint32_t>(high) << 16 | low;
    }
};
template <class Op, class T> constexpr Exec halves = lanewise<Halves<Op, T>, uint32_t, uint32_t, uint32_t>;

// Sums of products of bytes, or of the halves of a and the bytes of b from byte `first` on.
template <class A, class B, int count, int first> struct DotProduct {
    uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
        for (int i = 0; i < count; ++i) {
            const int x = static_cast<A>(a >> (i * 8 * sizeof(A)));
            const int y = static_cast<B>(b >> ((first + i) * 8));
            c += static_cast<uint32_t>(x * y);
        }
        return c;
    }
};

// Bits of Instr::flags: the use of CC.CF. A subtraction is a + ~b + 1 and leaves the carry of that sum, so that CC.CF
// is set where nothing was borrowed; subc is a + ~b + CC.CF. The manual speaks of a borrow and leaves open what addc finds
// after sub.cc: NVIDIA's ptxas evaluates constants so, and compiles to additions that use one carry.
enum : uint8_t { TAKE_CARRY = 1, SET_CARRY = 2 };

struct Sum {
    template <class U> static bool carry(U x, U y, bool in, U &d) {
        U sum;
        const bool over = __builtin_add_overflow(x, y, &sum);
        return __builtin_add_overflow(sum, static_cast<U>(in), &d) || over;
    }
};
struct Difference {
    template <class U> static bool carry(U x, U y, bool in, U &d) { return Sum::carry(x, static_cast<U>(~y), in, d); }
};

// a + b, a - b, or Product(a, b) + c, with the carry flag.
template <class Combine, class Product, class T> void carrying(Warp &warp, const Instr &instr) {
    constexpr bool multiplies = !std::is_void_v<Product>;
    const T *a = warp.lanes<T>(instr.op[1]), *b = warp.lanes<T>(instr.op[2]);
    const T *last = multiplies ? warp.lanes<T>(instr.op[3]) : b;
    const uint32_t in = instr.flags & TAKE_CARRY ? warp.carry : std::is_same_v<Combine, Difference> ? FULL : 0;
    uint32_t out = 0;
    Unsigned<T> d[LANES];
    for (int l = 0; l < LANES; ++l) {
        T x = a[l];
        if constexpr (multiplies) x = Product{}(x, b[l]);
        const bool carry = Combine::carry(Unsigned<T>(x), Unsigned<T>(last[l]), in >> l & 1, d[l]);
        out |= static_cast<uint32_t>(carry) << l;
    }
    for_lanes(warp, warp.lanes<Unsigned<T>>(instr.op[0]), [&](int l) { return d[l]; });
    if (instr.flags & SET_CARRY) warp.carry = (warp.carry & ~warp.active) | (out & warp.active);
}

// Whether the instruction reads or sets the carry flag.
bool take_carry(Decoding &d) {
    const bool takes = d.in.opcode.back() == 'c', sets = d.take("cc");
    d.instr.flags = static_cast<uint8_t>((takes ? TAKE_CARRY : 0) | (sets ? SET_CARRY : 0));
    d.instr.takes_carry = takes;
    d.instr.sets_carry = sets;
    return takes || sets;
}

// Decodes an instruction with two sources, all operands of one type.
template <class Op> void binary(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, type});
    d.finish(pick_integer(type, []<class T>() -> Exec { return lanewise<Op, T, T, T>; }));
}

// add, sub, addc, subc. Wrapping arithmetic is the same for signed and unsigned.
template <class Op, class Saturating, class Combine> void sum(Decoding &d) {
    if (std::is_same_v<Op, Add> && (d.take("u16x2") || d.take("s16x2"))) {
        d.bind({Type::b32, Type::b32, Type::b32});
        d.instr.spread = Spread::halves;
        d.finish(halves<Add, uint16_t>);
        return;
    }
    const Type type = d.take_type();
    d.bind({type, type, type});
    const bool saturates = d.take("sat");
    d.instr.spread = saturates ? Spread::decided : Spread::upwards;
    if (take_carry(d)) d.finish(pick_word(type, []<class T>() -> Exec { return carrying<Combine, void, T>; }));
    else if (saturates) d.finish(type == Type::s32 ? lanewise<Saturating, int32_t, int32_t, int32_t> : nullptr);
    else d.finish(pick_integer(type, []<class T>() -> Exec {
        using U = Unsigned<T>;
        return lanewise<Op, U, U, U>;
    }));
}

Type twice(Type type) {
    switch (type) {
    case Type::u16: return Type::u32;
    case Type::s16: return Type::s32;
    case Type::u32: return Type::u64;
    case Type::s32: return Type::s64;
    default: return Type::none;
    }
}

enum Part { LOW, HIGH, WIDE };

void multiply(Decoding &d) {
    const Type type = d.take_type();
    const int part = d.need_one({"lo", "hi", "wide"});
    d.instr.spread = part == HIGH ? Spread::decided : Spread::upwards;
    if (part == WIDE) {
        d.bind({twice(type), type, type});
        d.finish(pick<uint16_t, int16_t, uint32_t, int32_t>(
            type, []<class T>() -> Exec { return lanewise<MulWide, Wide<T>, T, T>; }));
    } else {
        d.bind({type, type, type});
        d.finish(pick_integer(type, [part]<class T>() -> Exec {
            using U = Unsigned<T>;
            return part == LOW ? lanewise<MulLow, U, U, U> : lanewise<MulHigh, T, T, T>;
        }));
    }
}

// mad, madc.
void multiply_add(Decoding &d) {
    const Type type = d.take_type();
    const int part = d.need_one({"lo", "hi", "wide"});
    if (part != HIGH) d.instr.spread = Spread::upwards;
    if (part == WIDE) {
        d.bind({twice(type), type, type, twice(type)});
        d.finish(pick<uint16_t, int16_t, uint32_t, int32_t>(
            type, []<class T>() -> Exec { return lanewise<MulAdd<MulWide>, Wide<T>, T, T, Wide<T>>; }));
        return;
    }
    d.bind({type, type, type, type});
    if (take_carry(d)) {
        d.finish(pick_word(type, [part]<class T>() -> Exec {
            return part == LOW ? carrying<Sum, MulLow, T> : carrying<Sum, MulHigh, T>;
        }));
    } else if (d.take("sat")) {
        const bool fits = part == HIGH && type == Type::s32;
        d.finish(fits ? lanewise<MulAddSaturating<MulHigh>, int32_t, int32_t, int32_t, int32_t> : nullptr);
    } else {
        d.finish(pick_integer(type, [part]<class T>() -> Exec {
            using U = Unsigned<T>;
            return part == LOW ? lanewise<MulAdd<MulLow>, U, U, U, U> : lanewise<MulAdd<MulHigh>, T, T, T, T>;
        }));
    }
}

void multiply24(Decoding &d) {
    const Type type = d.take_type();
    const int part = d.need_one({"lo", "hi"});
    d.bind({type, type, type});
    if (part == LOW) d.instr.spread = Spread::upwards;
    d.finish(pick<uint32_t, int32_t>(type, [part]<class T>() -> Exec {
        return part == LOW ? lanewise<Mul24Low, T, T, T> : lanewise<Mul24High, T, T, T>;
    }));
}

void multiply_add24(Decoding &d) {
    const Type type = d.take_type();
    const int part = d.need_one({"lo", "hi"});
    d.bind({type, type, type, type});
    if (part == LOW) d.instr.spread = Spread::upwards;
    if (d.take("sat")) {
        const bool fits = part == HIGH && type == Type::s32;
        d.finish(fits ? lanewise<MulAddSaturating<Mul24High>, int32_t, int32_t, int32_t, int32_t> : nullptr);
    } else {
        d.finish(pick<uint32_t, int32_t>(type, [part]<class T>() -> Exec {
            return part == LOW ? lanewise<MulAdd<Mul24Low>, T, T, T, T> : lanewise<MulAdd<Mul24High>, T, T, T, T>;
        }));
    }
}

void sum_of_differences(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type, type, type});
    d.finish(pick_integer(type, []<class T>() -> Exec { return lanewise<Sad, T, T, T, T>; }));
}

template <class Op> void of_signed(Decoding &d) {
    const Type type = d.take_type();
    d.bind({type, type});
    if (std::is_same_v<Op, Neg>) d.instr.spread = Spread::upwards;
    d.finish(pick_signed(type, []<class T>() -> Exec { return lanewise<Op, T, T>; }));
}

// min, max.
template <class Op> void extreme(Decoding &d) {
    const int packed = d.take_one({"u16x2", "s16x2"});
    d.instr.spread = packed >= 0 ? Spread::halves : Spread::decided;
    if (packed >= 0) {
        const bool relu = packed == 1 && d.take("relu");
        d.bind({Type::b32, Type::b32, Type::b32});
        d.finish(packed == 0 ? halves<Op, uint16_t> : relu ? halves<Relu<Op>, int16_t> : halves<Op, int16_t>);
    } else if (d.take("relu")) {
        const Type type = d.take_type();
        d.bind({type, type, type});
        d.finish(type == Type::s32 ? lanewise<Relu<Op>, int32_t, int32_t, int32_t> : nullptr);
    } else {
        binary<Op>(d);
    }
}

// dp4a.atype.btype, and dp2a.lo/.hi.atype.btype.
template <class A, class SignedA, int count> void dot_product(Decoding &d) {
    const int first = count == 2 && d.need_one({"lo", "hi"}) == HIGH ? 2 : 0;
    const Type b = d.take_type(), a = d.take_type();
    const Type c = a == Type::u32 && b == Type::u32 ? Type::u32 : Type::s32;
    d.bind({c, a, b, c});
    const auto of = [first]<class X, class Y>() -> Exec {
        return first == 0 ? lanewise<DotProduct<X, Y, count, 0>, uint32_t, uint32_t, uint32_t, uint32_t>
                          : lanewise<DotProduct<X, Y, count, 4 - count>, uint32_t, uint32_t, uint32_t, uint32_t>;
    };
    d.finish(pick<uint32_t, int32_t>(a, [&]<class TA>() -> Exec {
        using X = std::conditional_t<std::is_signed_v<TA>, SignedA, A>;
        return pick<uint32_t, int32_t>(b, [&]<class TB>() -> Exec {
            using Y = std::conditional_t<std::is_signed_v<TB>, int8_t, uint8_t>;
            return of.template operator()<X, Y>();
        });
    }));
}

// These opcodes exist for floating point, too.
const Opcodes shared_opcodes = {
    {"add", sum<Add, AddSaturating, Sum>},
    {"sub", sum<Sub, SubSaturating, Difference>},
    {"mul", multiply},
    {"mad", multiply_add},
    {"div", binary<Div>},
    {"abs", of_signed<Abs>},
    {"neg", of_signed<Neg>},
    {"min", extreme<Min>},
    {"max", extreme<Max>},
};

const Opcodes integer_opcodes = {
    {"addc", sum<Add, AddSaturating, Sum>},
    {"subc", sum<Sub, SubSaturating, Difference>},
    {"madc", multiply_add},
    {"mul24", multiply24},
    {"mad24", multiply_add24},
    {"sad", sum_of_differences},
    {"rem", binary<Rem>},
    {"dp4a", dot_product<uint8_t, int8_t, 4>},
    {"dp2a", dot_product<uint16_t, int16_t, 2>},
};

// The type is the last modifier, except that CUDA's headers write .relu after it.
bool names_integers(const ptx::Instruction &in) {
    if (in.modifiers.empty()) return false;
    const size_t before = in.modifiers.size() - 1;
    const std::string &type = in.modifiers[in.modifiers[before] == "relu" && before > 0 ? before - 1 : before];
    return type == "u16x2" || type == "s16x2" || is_integer(ptx::type_of(type));
}

}  // namespace

bool decode_integer(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const auto decode_by = [&](const Opcodes &opcodes) {
        const auto found = opcodes.find(in.opcode);
        if (found == opcodes.end()) return false;
        instr.cls = Class::integer;
        Decoding decoding(in, instr, operands);
        found->second(decoding);
        return true;
    };
    return (names_integers(in) && decode_by(shared_opcodes)) || decode_by(integer_opcodes) || decode_by(bit_opcodes());
}

}  // namespace softgpu
