// The instructions for videos: scalar (vadd, vmad, vset...) and SIMD on halves and bytes (vadd2, vadd4...). PTX ISA,
// "Scalar Video Instructions", "SIMD Video Instructions". Intermediate results are exact.
#include <algorithm>
#include <cstring>

#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"

namespace softgpu {

// Its names are not those of other families, with which this file is compiled as one.
namespace video {

using ptx::Operand;
using ptx::Type;

enum class Op : uint8_t { add, sub, abs_diff, min, max, average, shift_left, shift_right, multiply_add, set };
enum class Second : uint8_t { none, add, min, max };
enum Flag : uint8_t { D_SIGNED = 1, A_SIGNED = 2, B_SIGNED = 4, SATURATES = 8, A_NEGATED = 16, C_NEGATED = 32,
    PLUS_ONE = 64, WRAPS = 128 };
enum Compare : uint8_t { EQ, NE, LT, LE, GT, GE };

// A part of a register: all of it, or a byte or half.
struct Part {
    uint8_t shift, bits;
};
constexpr Part WORD = {0, 32};

// In Instr::imm. `detail` is a Compare, or how far vmad shifts right.
struct Scalar {
    Op op;
    uint8_t flags;
    Second second;
    uint8_t detail;
    uint8_t d, a, b, unused;        // parts, as 8 * (shift / 8) + bits / 8
};
// Lane i takes element a >> 4 * i & 15 of the halves, or bytes, of the first source and then of the second.
struct Simd {
    Op op;
    uint8_t flags;
    uint8_t detail;
    uint8_t mask : 4, lanes : 3, adds : 1;
    uint16_t a, b;
};
static_assert(sizeof(Scalar) == 8 && sizeof(Simd) == 8);

uint8_t packed(Part part) { return static_cast<uint8_t>(part.shift + part.bits / 8); }
Part unpacked(uint8_t bits) { return {static_cast<uint8_t>(bits & ~7u), static_cast<uint8_t>(bits % 8 * 8)}; }

int64_t select(uint32_t word, Part part, bool is_signed) {
    const uint64_t value = word >> part.shift & (~uint64_t(0) >> (64 - part.bits));
    const uint64_t sign = is_signed ? uint64_t(1) << (part.bits - 1) : 0;
    return static_cast<int64_t>((value ^ sign) - sign);
}

__extension__ using Wide = __int128;

Wide clamp(Wide x, int bits, bool is_signed) {
    const Wide low = is_signed ? -(Wide(1) << (bits - 1)) : 0, high = (Wide(1) << (bits - is_signed)) - 1;
    return std::clamp(x, low, high);
}

bool holds(uint8_t compare, int64_t a, int64_t b) {
    switch (compare) {
    case EQ: return a == b;
    case NE: return a != b;
    case LT: return a < b;
    case LE: return a <= b;
    case GT: return a > b;
    default: return a >= b;
    }
}

Wide combine(Op op, uint8_t detail, bool wraps, int64_t a, int64_t b) {
    const Wide sum = Wide(a) + b;
    switch (op) {
    case Op::add: return sum;
    case Op::sub: return Wide(a) - b;
    case Op::abs_diff: return a < b ? Wide(b) - a : Wide(a) - b;
    case Op::min: return std::min(a, b);
    case Op::max: return std::max(a, b);
    case Op::average: return (sum + (sum >= 0)) >> 1;
    case Op::shift_left: return Wide(a) << (wraps ? b & 31 : std::min<int64_t>(b, 32));
    case Op::shift_right: return Wide(a) >> (wraps ? b & 31 : std::min<int64_t>(b, 32));
    default: return holds(detail, a, b);
    }
}

// vmad: a product, and a sum with one carry in: for -(a * b) + c and a * b - c, which are ~x + 1, and for .po.
uint32_t multiply_add(const Scalar &s, int64_t a, int64_t b, uint32_t word) {
    const bool is_signed = s.flags & (A_SIGNED | B_SIGNED | A_NEGATED | C_NEGATED);
    Wide sum = Wide(a) * b;
    if (s.flags & A_NEGATED) sum = ~sum;
    if (s.flags & C_NEGATED) word = ~word;
    sum += is_signed ? Wide(static_cast<int32_t>(word)) : Wide(word);
    sum += (s.flags & (A_NEGATED | C_NEGATED | PLUS_ONE)) != 0;
    sum >>= s.detail;
    return static_cast<uint32_t>(s.flags & SATURATES ? clamp(sum, 32, is_signed) : sum);
}

uint32_t scalar(const Scalar &s, uint32_t a_word, uint32_t b_word, uint32_t c) {
    const int64_t a = select(a_word, unpacked(s.a), s.flags & A_SIGNED);
    const int64_t b = select(b_word, unpacked(s.b), s.flags & B_SIGNED);
    if (s.op == Op::multiply_add) return multiply_add(s, a, b, c);
    const Part to = unpacked(s.d);
    const bool is_signed = s.flags & D_SIGNED;
    Wide result = combine(s.op, s.detail, s.flags & WRAPS, a, b);
    if (s.flags & SATURATES) result = clamp(result, to.bits, is_signed);
    const Wide other = select(c, WORD, is_signed);
    switch (s.second) {
    case Second::add: return static_cast<uint32_t>(result + other);
    case Second::min: return static_cast<uint32_t>(std::min(result, other));
    case Second::max: return static_cast<uint32_t>(std::max(result, other));
    case Second::none: break;
    }
    if (to.bits == 32) return static_cast<uint32_t>(result);
    const uint32_t mask = ((1u << to.bits) - 1) << to.shift;
    return (c & ~mask) | (static_cast<uint32_t>(result) << to.shift & mask);
}

uint32_t simd(const Simd &s, uint32_t a_word, uint32_t b_word, uint32_t c) {
    const int bits = 32 / s.lanes;
    const auto element = [&](uint16_t from, int lane, bool is_signed) {
        const int index = from >> 4 * lane & 15;
        const Part part{static_cast<uint8_t>(index % s.lanes * bits), static_cast<uint8_t>(bits)};
        return select(index < s.lanes ? a_word : b_word, part, is_signed);
    };
    uint32_t d = c;
    for (int lane = 0; lane < s.lanes; ++lane) {
        if (!(s.mask >> lane & 1)) continue;
        Wide result = combine(s.op, s.detail, false, element(s.a, lane, s.flags & A_SIGNED),
                              element(s.b, lane, s.flags & B_SIGNED));
        if (s.flags & SATURATES) result = clamp(result, bits, s.flags & D_SIGNED);
        const uint32_t mask = ((1u << bits) - 1) << lane * bits;
        const auto value = static_cast<uint32_t>(result);
        d = s.adds ? d + value : (d & ~mask) | (value << lane * bits & mask);
    }
    return d;
}

template <class Form, uint32_t (*compute)(const Form &, uint32_t, uint32_t, uint32_t)>
void run(Warp &w, const Instr &i) {
    Form form;
    std::memcpy(&form, &i.imm, sizeof form);
    const uint32_t *a = w.lanes<uint32_t>(i.op[1]), *b = w.lanes<uint32_t>(i.op[2]), *c = w.lanes<uint32_t>(i.op[3]);
    for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int l) { return compute(form, a[l], b[l], c[l]); });
}

// ---- Decoding -------------------------------------------------------------------------------------------------------

// A register without the part that it selects.
Operand whole(Operand operand) {
    operand.name = operand.kind == Operand::Kind::reg ? "" : operand.name;
    operand.negated = false;
    return operand;
}

std::string_view selector(const Operand &operand) {
    return operand.kind == Operand::Kind::reg ? std::string_view(operand.name) : std::string_view();
}

Part part_of(Decoding &d, const Operand &operand) {
    const std::string_view text = selector(operand);
    if (text.empty()) return WORD;
    const int size = text[0] == 'b' ? 8 : 16, index = text[1] - '0';
    if (text.size() != 2 || index >= 32 / size)
        d.operands.reject("there is no ." + std::string(text) + " of a register");
    return {static_cast<uint8_t>(index * size), static_cast<uint8_t>(size)};
}

uint8_t type_flag(Decoding &d, uint8_t flag) {
    const Type type = d.take_type();
    if (type != Type::u32 && type != Type::s32) d.operands.reject("is for .u32 and .s32 only");
    return type == Type::s32 ? flag : 0;
}

void take_types(Decoding &d, Op op, uint8_t &flags) {
    flags |= type_flag(d, B_SIGNED);
    flags |= type_flag(d, A_SIGNED);
    if (op != Op::set) flags |= type_flag(d, D_SIGNED);
}

void take_negations(Decoding &d, Op op, uint8_t &flags) {
    const auto negated = [&](size_t i) { return i < d.in.operands.size() && d.in.operands[i].negated; };
    if (negated(1) != negated(2)) flags |= A_NEGATED;
    if (negated(3)) flags |= C_NEGATED;
    if (negated(0) || ((negated(1) || negated(2) || negated(3)) && op != Op::multiply_add))
        d.operands.reject("takes no negated operands");
    if (((flags & A_NEGATED) != 0) + ((flags & C_NEGATED) != 0) + ((flags & PLUS_ONE) != 0) > 1)
        d.operands.reject("only one of the product, c and .po can be");
}

void bind(Decoding &d, bool with_c) {
    d.operands.result(0, whole(d.in.operands[0]), Type::b32);
    for (int i = 1; i < 4; ++i) {
        Operand zero;
        zero.kind = Operand::Kind::integer;
        d.operands.source(i, i < 3 || with_c ? whole(d.in.operands[i]) : zero, Type::b32);
    }
}

void decode_scalar(Decoding &d, Op op) {
    Scalar s{};
    s.op = op;
    if (d.take("sat")) s.flags |= SATURATES;
    if (op == Op::set) s.detail = static_cast<uint8_t>(d.need_one({"eq", "ne", "lt", "le", "gt", "ge"}));
    if (op == Op::shift_left || op == Op::shift_right) s.flags |= d.need_one({"clamp", "wrap"}) == 1 ? WRAPS : 0;
    if (op == Op::multiply_add) {
        if (d.take("po")) s.flags |= PLUS_ONE;
        s.detail = d.take("shr7") ? 7 : d.take("shr15") ? 15 : 0;
    } else {
        s.second = static_cast<Second>(d.take_one({"add", "min", "max"}) + 1);
    }
    take_types(d, op, s.flags);
    take_negations(d, op, s.flags);
    const bool with_c = d.in.operands.size() == 4;
    if (!with_c) d.expect(3);
    const Part to = part_of(d, d.in.operands[0]);
    const bool uses_c = op == Op::multiply_add || s.second != Second::none || to.bits < 32;
    if (with_c != uses_c || (s.second != Second::none && to.bits < 32))
        d.operands.reject("its last operand is for a second operation or for a part of the result");
    if (with_c && !selector(d.in.operands[3]).empty()) d.operands.reject("its last operand has no parts");
    s.d = packed(to);
    s.a = packed(part_of(d, d.in.operands[1]));
    s.b = packed(part_of(d, d.in.operands[2]));
    if ((op == Op::shift_left || op == Op::shift_right) && (s.flags & B_SIGNED)) d.operands.reject("shifts by an .u32");
    bind(d, with_c);
    std::memcpy(&d.instr.imm, &s, sizeof s);
    d.finish(run<Scalar, scalar>);
}

// "b7654", the element of the highest lane first.
uint16_t elements_of(Decoding &d, const Operand &operand, int lanes, uint16_t otherwise) {
    const std::string_view text = selector(operand);
    if (text.empty()) return otherwise;
    if (text[0] != (lanes == 4 ? 'b' : 'h') || static_cast<int>(text.size()) != 1 + lanes)
        d.operands.reject("a source selects " + std::to_string(lanes) + " elements, not ." + std::string(text));
    uint16_t elements = 0;
    for (int lane = 0; lane < lanes; ++lane) {
        const int index = text[text.size() - 1 - static_cast<size_t>(lane)] - '0';
        if (index >= 2 * lanes) d.operands.reject("there is no ." + std::string(text) + " of two registers");
        elements = static_cast<uint16_t>(elements | index << 4 * lane);
    }
    return elements;
}

uint8_t mask_of(Decoding &d, const Operand &operand, int lanes) {
    const std::string_view text = selector(operand);
    if (text.empty()) return static_cast<uint8_t>((1 << lanes) - 1);
    uint8_t mask = 0;
    for (const char digit : text.substr(1)) {
        if (text[0] != (lanes == 4 ? 'b' : 'h') || digit - '0' >= lanes)
            d.operands.reject("there is no result ." + std::string(text));
        mask = static_cast<uint8_t>(mask | 1 << (digit - '0'));
    }
    return mask;
}

void decode_simd(Decoding &d, Op op, int lanes) {
    Simd s{};
    s.op = op;
    s.lanes = static_cast<uint8_t>(lanes & 7);
    if (d.take("sat")) s.flags |= SATURATES;
    s.adds = d.take("add");
    if (s.adds && (s.flags & SATURATES)) d.operands.reject(".sat and .add exclude each other");
    if (op == Op::set) s.detail = static_cast<uint8_t>(d.need_one({"eq", "ne", "lt", "le", "gt", "ge"}));
    take_types(d, op, s.flags);
    take_negations(d, op, s.flags);
    d.expect(4);
    s.mask = mask_of(d, d.in.operands[0], lanes) & 15;
    s.a = elements_of(d, d.in.operands[1], lanes, lanes == 4 ? 0x3210 : 0x10);
    s.b = elements_of(d, d.in.operands[2], lanes, lanes == 4 ? 0x7654 : 0x32);
    if (!selector(d.in.operands[3]).empty()) d.operands.reject("its last operand has no parts");
    bind(d, true);
    std::memcpy(&d.instr.imm, &s, sizeof s);
    d.finish(run<Simd, simd>);
}

constexpr std::pair<std::string_view, Op> NAMES[] = {
    {"vadd", Op::add}, {"vsub", Op::sub}, {"vabsdiff", Op::abs_diff}, {"vmin", Op::min}, {"vmax", Op::max},
    {"vavrg", Op::average}, {"vshl", Op::shift_left}, {"vshr", Op::shift_right}, {"vmad", Op::multiply_add},
    {"vset", Op::set},
};

bool decode(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    std::string_view name = in.opcode;
    const int lanes = name.ends_with('2') ? 2 : name.ends_with('4') ? 4 : 1;
    if (lanes > 1) name.remove_suffix(1);
    const auto found = std::ranges::find(NAMES, name, [](const auto &known) { return known.first; });
    if (found == std::end(NAMES)) return false;
    const Op op = found->second;
    const bool scalar_only = op == Op::shift_left || op == Op::shift_right || op == Op::multiply_add;
    if (lanes == 1 ? op == Op::average : scalar_only) return false;
    Decoding d(in, instr, operands);
    instr.cls = Class::integer;
    if (lanes == 1) decode_scalar(d, op);
    else decode_simd(d, op, lanes);
    return true;
}

}  // namespace video

bool decode_video(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    return video::decode(in, instr, operands);
}

}  // namespace softgpu
