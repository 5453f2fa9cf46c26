// mov in all its forms, addresses of variables, clocks, cvta and isspacep (PTX ISA, "mov", "cvta", "isspacep").
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/block.h"

namespace softgpu {

namespace {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

template <class T> void move(Warp &w, const Instr &i) {
    const T *a = w.lanes<T>(i.op[1]);
    for_lanes(w, w.lanes<T>(i.op[0]), [=](int l) { return a[l]; });
}

void move_predicate(Warp &w, const Instr &i) {
    w.set_predicate(i.op[0], w.predicate(i.op[1]));
}

// A special register that is a predicate.
void move_flag(Warp &w, const Instr &i) {
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l) bits |= static_cast<uint32_t>(w.lanes<uint32_t>(i.op[1])[l] != 0) << l;
    w.set_predicate(i.op[0], bits);
}

// Packs {a, b, ...} of N bits each into one register, the first element in the lowest bits.
template <class D, class E, int COUNT> void pack(Warp &w, const Instr &i) {
    const E *part[COUNT];
    for (int e = 0; e < COUNT; ++e) part[e] = w.lanes<E>(w.slots[i.more + static_cast<uint32_t>(e)]);
    constexpr int bits = 8 * sizeof(D) / COUNT;
    for_lanes(w, w.lanes<D>(i.op[0]), [&](int l) {
        D value = 0;
        for (int e = 0; e < COUNT; ++e)
            value |= (static_cast<D>(part[e][l]) & (~D(0) >> (8 * sizeof(D) - bits))) << (e * bits);
        return value;
    });
}

template <class S, class E, int COUNT> void unpack(Warp &w, const Instr &i) {
    const S *source = w.lanes<S>(i.op[0]);
    constexpr int bits = 8 * sizeof(S) / COUNT;
    // The source may be one of the results, if the PTX names the same register.
    S copy[LANES];
    for (int l = 0; l < LANES; ++l) copy[l] = source[l];
    for (int e = 0; e < COUNT; ++e)
        for_lanes(w, w.lanes<E>(w.slots[i.more + static_cast<uint32_t>(e)]), [&](int l) {
            return static_cast<E>(copy[l] >> (e * bits) & (~S(0) >> (8 * sizeof(S) - bits)));
        });
}

// The address of a variable in the current frame, or of dynamic shared memory.
template <class T> void frame_address(Warp &w, const Instr &i) {
    for_lanes(w, w.lanes<T>(i.op[0]), [&](int l) { return static_cast<T>(w.stack[l] + static_cast<uint64_t>(i.imm)); });
}

template <class T> void dynamic_address(Warp &w, const Instr &i) {
    const uint32_t *base = w.lanes<uint32_t>(i.op[1]);
    for_lanes(w, w.lanes<T>(i.op[0]), [&](int l) { return static_cast<T>(base[l] + static_cast<uint64_t>(i.imm)); });
}

// %clock counts the warp instructions of the block, so it is the same in every run.
template <class T, int SHIFT> void read_clock(Warp &w, const Instr &i) {
    const uint64_t now = w.block->issued() >> SHIFT;
    for_lanes(w, w.lanes<T>(i.op[0]), [=](int) { return static_cast<T>(now); });
}

template <class T, int SHIFT> void read_timer(Warp &w, const Instr &i) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch()).count();
    for_lanes(w, w.lanes<T>(i.op[0]), [=](int) { return static_cast<T>(static_cast<uint64_t>(now) >> SHIFT); });
}

Exec clock_exec(const std::string &name) {
    if (name == "%clock") return read_clock<uint32_t, 0>;
    if (name == "%clock_hi") return read_clock<uint32_t, 32>;
    if (name == "%clock64") return read_clock<uint64_t, 0>;
    if (name == "%globaltimer") return read_timer<uint64_t, 0>;
    if (name == "%globaltimer_lo") return read_timer<uint32_t, 0>;
    if (name == "%globaltimer_hi") return read_timer<uint32_t, 32>;
    return nullptr;
}

// A 32-bit special register read into a 64-bit register, which PTX allows.
void widen(Warp &w, const Instr &i) {
    const uint32_t *a = w.lanes<uint32_t>(i.op[1]);
    for_lanes(w, w.lanes<uint64_t>(i.op[0]), [=](int l) { return static_cast<uint64_t>(a[l]); });
}

// mov.v2, mov.v4: all sources are read before the first result is written.
template <class T> void move_elements(Warp &w, const Instr &i) {
    T copy[4][LANES];
    const Slot *const to = w.slots + i.more, *const from = to + i.width;
    for (int e = 0; e < i.width; ++e) std::copy_n(w.lanes<T>(from[e]), LANES, copy[e]);
    for (int e = 0; e < i.width; ++e) for_lanes(w, w.lanes<T>(to[e]), [&](int l) { return copy[e][l]; });
}

bool decode_move_elements(const ptx::Instruction &in, Type type, Instr &instr, Operands &operands) {
    const size_t width = in.has("v4") ? 4 : 2;
    for (const Operand &vector : in.operands)
        if (vector.kind != Operand::Kind::vector || vector.parts.size() != width)
            operands.reject("needs two vectors of " + std::to_string(width) + " elements");
    const bool wide = ptx::size(type) == 8;
    instr.width = static_cast<uint8_t>(width);
    operands.more_results(in.operands[0], wide ? Type::b64 : Type::b32);
    operands.more_sources(in.operands[1], wide ? Type::b64 : type == Type::f32 ? Type::f32 : Type::b32);
    instr.exec = wide ? move_elements<uint64_t> : move_elements<uint32_t>;
    return true;
}

bool decode_move_vector(const ptx::Instruction &in, Type type, Instr &instr, Operands &operands) {
    const bool packs = in.operands[1].kind == Operand::Kind::vector;
    const Operand &vector = in.operands[packs ? 1 : 0], &scalar = in.operands[packs ? 0 : 1];
    const int bytes = ptx::size(type), count = static_cast<int>(vector.parts.size());
    if (type != Type::b32 && type != Type::b64) operands.reject("packs and unpacks .b32 and .b64 only");
    const Type whole = bytes == 8 ? Type::b64 : Type::b32;
    if (packs) operands.result(0, scalar, whole);
    else operands.source(0, scalar, whole);
    // Elements of 8 and 16 bits are stored in 32-bit lanes.
    if (packs) operands.more_sources(vector, Type::b32);
    else operands.more_results(vector, Type::b32);
    if (bytes == 4 && count == 2) instr.exec = packs ? pack<uint32_t, uint32_t, 2> : unpack<uint32_t, uint32_t, 2>;
    else if (bytes == 4 && count == 4) instr.exec = packs ? pack<uint32_t, uint32_t, 4> : unpack<uint32_t, uint32_t, 4>;
    else if (bytes == 8 && count == 2) instr.exec = packs ? pack<uint64_t, uint32_t, 2> : unpack<uint64_t, uint32_t, 2>;
    else if (bytes == 8 && count == 4) instr.exec = packs ? pack<uint64_t, uint32_t, 4> : unpack<uint64_t, uint32_t, 4>;
    else operands.reject("a vector of this many elements is not provided");
    return true;
}

// mov.b128: a register of 128 bits is a vector of its halves. On the other side is another, or a vector of up to 16
// elements that make up as many bits.
constexpr int MOST_PARTS = 16;

void move_128(Warp &w, const Instr &i) {
    const Slot *const to = w.slots + i.more, *const from = to + i.width;
    const size_t results = i.width, sources = i.target;
    std::byte bits[LANES][MOST_PARTS];
    for (size_t e = 0; e < sources; ++e)
        for (size_t l = 0; l < LANES; ++l) {
            const uint64_t value = sources == 2 ? w.lanes<uint64_t>(from[e])[l] : w.lanes<uint32_t>(from[e])[l];
            std::memcpy(bits[l] + e * (16 / sources), &value, 16 / sources);
        }
    for (size_t e = 0; e < results; ++e) {
        const auto part = [&](int l) {
            uint64_t value = 0;
            std::memcpy(&value, bits[l] + e * (16 / results), 16 / results);
            return value;
        };
        if (results == 2) for_lanes(w, w.lanes<uint64_t>(to[e]), part);
        else for_lanes(w, w.lanes<uint32_t>(to[e]), [&](int l) { return static_cast<uint32_t>(part(l)); });
    }
}

bool decode_move_128(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    size_t parts[2];
    for (size_t o = 0; o < 2; ++o) {
        parts[o] = in.operands[o].parts.size();
        if (in.operands[o].kind != Operand::Kind::vector || !std::has_single_bit(parts[o]) || parts[o] == 1 ||
            parts[o] > MOST_PARTS)
            operands.reject("needs registers of 128 bits, or vectors of 2 to 16 elements that have as many");
    }
    operands.more_results(in.operands[0], parts[0] == 2 ? Type::b64 : Type::b32);
    operands.more_sources(in.operands[1], parts[1] == 2 ? Type::b64 : Type::b32);
    instr.width = static_cast<uint8_t>(parts[0]);
    instr.target = static_cast<uint32_t>(parts[1]);
    instr.spread = Spread::bits;
    instr.exec = move_128;
    return true;
}

bool decode_mov(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.modifiers.empty()) operands.reject("has no type");
    const Type type = ptx::type_of(in.modifiers.back());
    const Operand &to = in.operands.at(0), &from = in.operands.at(1);
    instr.cls = Class::move;
    instr.spread = Spread::bits;
    if (type == Type::pred) {
        operands.result(0, to, type);
        if (from.kind == Operand::Kind::special) {
            operands.source(1, from, Type::u32);
            instr.exec = move_flag;
            return true;
        }
        operands.source(1, from, type);
        instr.exec = move_predicate;
        return true;
    }
    if (type == Type::none) operands.reject("type " + in.modifiers.back() + " is not provided");
    if (in.operands.size() != 2) operands.reject("needs 2 operands");
    if (type == Type::b128) return decode_move_128(in, instr, operands);
    if (in.has("v2") || in.has("v4")) return decode_move_elements(in, type, instr, operands);
    if (to.kind == Operand::Kind::vector || from.kind == Operand::Kind::vector)
        return decode_move_vector(in, type, instr, operands);
    const bool wide = ptx::size(type) == 8;
    if (from.kind == Operand::Kind::special) {
        if (Exec exec = clock_exec(from.name)) {
            operands.result(0, to, type);
            instr.exec = exec;
            return true;
        }
        if (wide) {
            operands.result(0, to, type);
            operands.source(1, from, Type::u32);
            instr.exec = widen;
            return true;
        }
    }
    operands.result(0, to, wide ? Type::b64 : Type::b32);
    if (from.kind == Operand::Kind::symbol && !operands.is_function(from)) {
        const Location at = operands.locate(from);
        instr.imm = static_cast<int64_t>(at.offset);
        if (at.base == Location::Base::frame) {
            instr.exec = wide ? frame_address<uint64_t> : frame_address<uint32_t>;
            return true;
        }
        if (at.base == Location::Base::dynamic_shared) {
            operands.special(1, Special::dynamic_shared);
            instr.exec = wide ? dynamic_address<uint64_t> : dynamic_address<uint32_t>;
            return true;
        }
    }
    operands.source(1, from, wide ? Type::b64 : type == Type::f32 ? Type::f32 : Type::b32);
    instr.exec = wide ? move<uint64_t> : move<uint32_t>;
    return true;
}

uint64_t window_of(Space space) {
    switch (space) {
    case Space::shared: return SHARED_WINDOW;
    case Space::local: return LOCAL_WINDOW;
    case Space::param: return PARAMETER_WINDOW;
    default: return 0;
    }
}

// Adds the window address of a space to its addresses, or subtracts it.
template <bool TO_SPACE> void convert_address(Warp &w, const Instr &i) {
    const uint64_t *a = w.lanes<uint64_t>(i.op[1]);
    const uint64_t window = static_cast<uint64_t>(i.imm);
    for_lanes(w, w.lanes<uint64_t>(i.op[0]), [=](int l) { return TO_SPACE ? a[l] & ~WINDOW_MASK : a[l] | window; });
}

void is_space(Warp &w, const Instr &i) {
    const uint64_t *a = w.lanes<uint64_t>(i.op[1]);
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l)
        bits |= static_cast<uint32_t>((a[l] & WINDOW_MASK) == static_cast<uint64_t>(i.imm)) << l;
    w.set_predicate(i.op[0], bits);
}

// Constants lie in the same window as global memory: CONSTANT tells whether an address is one of the module's.
template <bool CONSTANT> void is_constant(Warp &w, const Instr &i) {
    const uint64_t *a = w.lanes<uint64_t>(i.op[1]);
    uint32_t bits = 0;
    for (int l = 0; l < LANES; ++l) {
        bool constant = false;
        for (uint32_t v = 0; v < i.target; ++v) {
            const Slot *const range = w.slots + i.more + 2 * v;
            constant |= a[l] - w.lanes<uint64_t>(range[0])[l] < w.lanes<uint64_t>(range[1])[l];
        }
        bits |= static_cast<uint32_t>((a[l] & WINDOW_MASK) == 0 && constant == CONSTANT) << l;
    }
    w.set_predicate(i.op[0], bits);
}

// Where the module's constants are, as address and bytes of each.
void note_constants(Instr &instr, Operands &operands) {
    const auto add = [&](uint64_t value) {
        Operand constant;
        constant.kind = Operand::Kind::integer;
        constant.integer = value;
        operands.more_sources(constant, Type::u64);
    };
    for (const ptx::Variable &v : operands.module().variables) {
        if (v.space != Space::constant || v.is_extern) continue;
        Operand symbol;
        symbol.kind = Operand::Kind::symbol;
        symbol.name = v.name;
        add(operands.locate(symbol).offset);
        add(v.bytes);
        ++instr.target;
    }
}

}  // namespace

bool decode_move(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode == "mov") return decode_mov(in, instr, operands);
    if (in.opcode != "cvta" && in.opcode != "isspacep") return false;
    instr.cls = Class::move;
    const Space space = space_of(in);
    instr.imm = static_cast<int64_t>(window_of(space));
    if (in.opcode == "isspacep") {
        if (space == Space::generic) operands.reject("names no state space");
        operands.result(0, in.operands.at(0), Type::pred);
        operands.source(1, in.operands.at(1), Type::u64);
        instr.exec = is_space;
        if (space == Space::constant || space == Space::global) {
            note_constants(instr, operands);
            instr.exec = space == Space::constant ? is_constant<true> : is_constant<false>;
        }
        return true;
    }
    if (!in.has("u64")) operands.reject("generic addresses have 64 bits");
    instr.spread = Spread::bits;
    const Operand &from = in.operands.at(1);
    operands.result(0, in.operands.at(0), Type::u64);
    if (from.kind == Operand::Kind::symbol) {
        const Location at = operands.locate(from);
        if (at.base == Location::Base::frame || at.base == Location::Base::dynamic_shared)
            operands.reject("the address of " + from.name + " must be moved to a register first");
    }
    operands.source(1, from, Type::u64);
    instr.exec = in.has("to") ? convert_address<true> : convert_address<false>;
    return true;
}

}  // namespace softgpu
