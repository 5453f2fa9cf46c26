// atom and red (PTX ISA, "atom", "red"). The lanes of a warp run one after another, lowest first. Blocks on other host
// threads are synchronised by the host's atomics.
#include "instructions/atomic.h"

#include <cmath>
#include <cstring>

#include "base/formats.h"
#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/fault.h"
#include "machine/memory.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

namespace {

using ptx::Space;
using ptx::Type;

enum class Op : uint8_t { add, and_, or_, xor_, min, max, inc, dec, exch, cas };

template <class T> T combine_integer(Op op, T old, T b, T c) {
    switch (op) {
    case Op::add: return static_cast<T>(old + b);
    case Op::and_: return static_cast<T>(old & b);
    case Op::or_: return static_cast<T>(old | b);
    case Op::xor_: return static_cast<T>(old ^ b);
    case Op::min: return b < old ? b : old;
    case Op::max: return b > old ? b : old;
    case Op::inc: return old >= b ? T(0) : static_cast<T>(old + 1);
    case Op::dec: return old == 0 || old > b ? b : static_cast<T>(old - 1);
    case Op::exch: return b;
    case Op::cas: return old == b ? c : old;
    }
    return old;
}

// The operations of each type, on the bit pattern in memory.
template <class T> struct Integer {
    using Bits = std::make_unsigned_t<T>;
    static Bits combine(Op op, Bits old, Bits b, Bits c, Space) {
        return static_cast<Bits>(combine_integer<T>(op, static_cast<T>(old), static_cast<T>(b), static_cast<T>(c)));
    }
};

// Addition of f32 flushes subnormals to zero in global memory, but not in shared memory ("atom").
float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

struct Float32 {
    using Bits = uint32_t;
    static Bits combine(Op, Bits old, Bits b, Bits, Space space) {
        float x, y;
        std::memcpy(&x, &old, 4);
        std::memcpy(&y, &b, 4);
        float sum = space == Space::shared ? x + y : flushed(flushed(x) + flushed(y));
        if (sum != sum) return 0x7fffffff;
        Bits bits;
        std::memcpy(&bits, &sum, 4);
        return bits;
    }
};

struct Float64 {
    using Bits = uint64_t;
    static Bits combine(Op, Bits old, Bits b, Bits, Space) {
        double x, y;
        std::memcpy(&x, &old, 8);
        std::memcpy(&y, &b, 8);
        const double sum = x + y;
        Bits bits;
        std::memcpy(&bits, &sum, 8);
        return bits;
    }
};

// F: F16 or BF16. A NaN is neither the least nor the largest of two; -0 is less than +0.
template <class F> struct Half {
    using Bits = uint16_t;
    static Bits combine(Op op, Bits old, Bits b, Bits, Space) {
        if (op == Op::add)
            return static_cast<Bits>(narrow<F, Round::nearest>(sum_to_odd(widen<F, double>(old), widen<F, double>(b))));
        if (is_nan<F>(old) || is_nan<F>(b)) return is_nan<F>(old) ? is_nan<F>(b) ? Bits(F::nan) : b : old;
        const auto order = [](Bits x) { return x & F::sign ? -static_cast<int>(x & (F::sign - 1)) - 1 : int(x); };
        return (order(b) < order(old)) == (op == Op::min) ? b : old;
    }
};

template <class F> struct Half2 {
    using Bits = uint32_t;
    static Bits combine(Op op, Bits old, Bits b, Bits, Space space) {
        const uint16_t low = Half<F>::combine(op, static_cast<uint16_t>(old), static_cast<uint16_t>(b), 0, space);
        const uint16_t high = Half<F>::combine(op, static_cast<uint16_t>(old >> 16), static_cast<uint16_t>(b >> 16), 0, space);
        return low | static_cast<uint32_t>(high) << 16;
    }
};

// Calls update(results, at, mask) between what orders memory before and after an atomic operation on `bytes`.
template <class F> void ordered(Warp &w, const Instr &i, uint32_t bytes, F update) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[1], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        if (i.flags & RELEASE) fence(w, i.flags & DEVICE_SCOPE);
        resolve(w, i, space, address, mask, bytes, Access::atomic_update, at);
        if (space != Space::local) publish(w, space == Space::shared);
        update(space, mask, at);
        if (space != Space::local) acquire(w, space == Space::shared);
    });
}

// The lanes `mask` of a result.
template <class D> void write(const Warp &w, Slot slot, uint32_t mask, const D *values) {
    D *d = w.lanes<D>(slot);
    for (int l = 0; l < LANES; ++l) d[l] = mask >> l & 1 ? values[l] : d[l];
}

// Element `e` of each lane is updated, and what was there returned in `old`. D: the lanes of the operands.
template <class K, class D> void update(Op op, Space space, uint32_t mask, std::byte *const *at, size_t e, const D *b,
                                        const D *c, D *old_values) {
    using Bits = typename K::Bits;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        Bits *const word = reinterpret_cast<Bits *>(at[l]) + e;
        Bits old = __atomic_load_n(word, __ATOMIC_RELAXED), next;
        do {
            next = K::combine(op, old, static_cast<Bits>(b[l]), c ? static_cast<Bits>(c[l]) : Bits(0), space);
        } while (!__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
        old_values[l] = static_cast<D>(old);
    }
}

template <class K, Op OP> void update_element(std::byte *at, const std::byte *operand) {
    typename K::Bits value;
    std::memcpy(&value, operand, sizeof value);
    typename K::Bits old;
    update<K, typename K::Bits>(OP, Space::global, 1, &at, 0, &value, nullptr, &old);
}

Op operation_of(const Instr &i) { return static_cast<Op>(i.target); }

template <class K, class D> void atomic(Warp &w, const Instr &i) {
    const D *b = w.lanes<D>(i.op[2]), *c = i.op[3] == NO_SLOT ? nullptr : w.lanes<D>(i.op[3]);
    ordered(w, i, sizeof(typename K::Bits), [&](Space space, uint32_t mask, std::byte *const *at) {
        D old[LANES];
        update<K, D>(operation_of(i), space, mask, at, 0, b, c, old);
        if (i.op[0] != NO_SLOT) write(w, i.op[0], mask, old);
    });
}

// .v2, .v4, .v8: each element by itself is updated atomically. The slots are those of the results, if there are any,
// and those of the operand.
constexpr int MOST_ELEMENTS = 8;
constexpr uint8_t RETURNS = 32;         // of Instr::flags

template <class K> void atomic_elements(Warp &w, const Instr &i) {
    const Slot *const d = w.slots + i.more, *const b = i.flags & RETURNS ? d + i.width : d;
    ordered(w, i, sizeof(typename K::Bits) * i.width, [&](Space space, uint32_t mask, std::byte *const *at) {
        if (space != Space::global)
            throw Fault{Check::bounds, __builtin_ctz(mask), "an atomic operation on a vector is one on global memory",
                        CUDA_ERROR_ILLEGAL_ADDRESS};
        uint32_t old[MOST_ELEMENTS][LANES];
        for (size_t e = 0; e < i.width; ++e)
            update<K, uint32_t>(operation_of(i), space, mask, at, e, w.lanes<uint32_t>(b[e]), nullptr, old[e]);
        for (size_t e = 0; e < i.width && i.flags & RETURNS; ++e) write(w, d[e], mask, old[e]);
    });
}

// .b128: the halves of the result, of b and, of cas, of c.
void atomic_128(Warp &w, const Instr &i) {
    using Bits = unsigned __int128;
    const Slot *const d = w.slots + i.more, *const b = d + 2, *const c = b + 2;
    const bool cas = operation_of(i) == Op::cas;
    const auto operand = [&](const Slot *halves, int l) {
        return Bits(w.lanes<uint64_t>(halves[1])[l]) << 64 | w.lanes<uint64_t>(halves[0])[l];
    };
    ordered(w, i, sizeof(Bits), [&](Space, uint32_t mask, std::byte *const *at) {
        uint64_t low[LANES], high[LANES];
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            Bits *const word = reinterpret_cast<Bits *>(at[l]), x = operand(b, l);
            Bits old = cas ? __sync_val_compare_and_swap(word, x, operand(c, l)) : *word;
            for (Bits seen = old; !cas && (old = __sync_val_compare_and_swap(word, seen, x)) != seen;) seen = old;
            low[l] = static_cast<uint64_t>(old);
            high[l] = static_cast<uint64_t>(old >> 64);
        }
        write(w, d[0], mask, low);
        write(w, d[1], mask, high);
    });
}

Exec exec_for(Op op, Type type, Operands &operands) {
    const bool bitwise = op == Op::and_ || op == Op::or_ || op == Op::xor_, swap = op == Op::exch || op == Op::cas;
    const bool order = op == Op::min || op == Op::max, count = op == Op::inc || op == Op::dec;
    switch (type) {
    case Type::u32: if (op == Op::add || order || count) return atomic<Integer<uint32_t>, uint32_t>; break;
    case Type::s32: if (op == Op::add || order) return atomic<Integer<int32_t>, uint32_t>; break;
    case Type::b32: if (bitwise || swap) return atomic<Integer<uint32_t>, uint32_t>; break;
    case Type::u64: if (op == Op::add || order) return atomic<Integer<uint64_t>, uint64_t>; break;
    case Type::s64: if (op == Op::add || order) return atomic<Integer<int64_t>, uint64_t>; break;
    case Type::b64: if (bitwise || swap) return atomic<Integer<uint64_t>, uint64_t>; break;
    case Type::b16: if (op == Op::cas) return atomic<Integer<uint16_t>, uint32_t>; break;
    case Type::f32: if (op == Op::add) return atomic<Float32, uint32_t>; break;
    case Type::f64: if (op == Op::add) return atomic<Float64, uint64_t>; break;
    case Type::f16: if (op == Op::add) return atomic<Half<F16>, uint32_t>; break;
    case Type::bf16: if (op == Op::add) return atomic<Half<BF16>, uint32_t>; break;
    case Type::f16x2: if (op == Op::add) return atomic<Half2<F16>, uint32_t>; break;
    case Type::bf16x2: if (op == Op::add) return atomic<Half2<BF16>, uint32_t>; break;
    default: break;
    }
    operands.reject("there is no such atomic operation on ." + std::string(ptx::name(type)));
}

Exec elements_exec(Op op, Type type, Operands &operands) {
    const bool order = op == Op::min || op == Op::max;
    if (type == Type::f32 && op == Op::add) return atomic_elements<Float32>;
    if (op == Op::add || order) {
        if (type == Type::f16) return atomic_elements<Half<F16>>;
        if (type == Type::bf16) return atomic_elements<Half<BF16>>;
        if (type == Type::f16x2) return atomic_elements<Half2<F16>>;
        if (type == Type::bf16x2) return atomic_elements<Half2<BF16>>;
    }
    operands.reject("there is no such atomic operation on vectors of ." + std::string(ptx::name(type)));
}

// A vector of halves of .b128, or of elements.
const ptx::Operand &vector(const ptx::Instruction &in, size_t index, size_t elements, Operands &operands) {
    const ptx::Operand &operand = in.operands.at(index);
    if (operand.kind != ptx::Operand::Kind::vector || operand.parts.size() != elements)
        operands.reject("operand " + std::to_string(index) + " needs " + std::to_string(elements) + " registers");
    return operand;
}

void decode_elements(const ptx::Instruction &in, Op op, Type type, size_t elements, bool returns, Instr &instr,
                     Operands &operands) {
    need_target(operands, 90);
    if (elements * static_cast<size_t>(ptx::size(type)) > 16) operands.reject("a vector has at most 128 bits");
    if (type != Type::f32 && !in.has("noftz")) operands.reject("needs .noftz");
    if (instr.space != Space::global && instr.space != Space::generic) operands.reject("is for global memory only");
    instr.width = static_cast<uint8_t>(elements);
    if (returns) {
        instr.flags |= RETURNS;
        operands.more_results(vector(in, 0, elements, operands), Type::b32);
    }
    operands.more_sources(vector(in, returns ? 2 : 1, elements, operands), type == Type::f32 ? Type::f32 : Type::b32);
    instr.exec = elements_exec(op, type, operands);
}

void decode_128(const ptx::Instruction &in, Op op, bool returns, Instr &instr, Operands &operands) {
    need_target(operands, 90);
    if (!returns || (op != Op::exch && op != Op::cas)) operands.reject(".b128 has .exch and .cas of atom only");
    ptx::Operand unused;
    unused.kind = ptx::Operand::Kind::vector;
    unused.parts.resize(2);
    const bool sink = in.operands.at(0).kind == ptx::Operand::Kind::sink;
    operands.more_results(sink ? unused : vector(in, 0, 2, operands), Type::b64);
    operands.more_sources(vector(in, 2, 2, operands), Type::b64);
    if (op == Op::cas) operands.more_sources(vector(in, 3, 2, operands), Type::b64);
    instr.exec = atomic_128;
}

}  // namespace

namespace {

template <class K, Op... OPS>
void add_updates(std::vector<ElementUpdate> &to, Type type, std::initializer_list<std::string_view> names) {
    const std::string_view *name = names.begin();
    (to.push_back({*name++, type, sizeof(typename K::Bits), update_element<K, OPS>}), ...);
}

}  // namespace

const std::vector<ElementUpdate> &element_updates() {
    static const std::vector<ElementUpdate> &all = *[] {
        auto *made = new std::vector<ElementUpdate>;
        add_updates<Integer<uint32_t>, Op::add, Op::min, Op::max, Op::inc, Op::dec>(
            *made, Type::u32, {"add", "min", "max", "inc", "dec"});
        add_updates<Integer<int32_t>, Op::add, Op::min, Op::max>(*made, Type::s32, {"add", "min", "max"});
        add_updates<Integer<uint64_t>, Op::add, Op::min, Op::max>(*made, Type::u64, {"add", "min", "max"});
        add_updates<Integer<int64_t>, Op::min, Op::max>(*made, Type::s64, {"min", "max"});
        add_updates<Integer<uint32_t>, Op::and_, Op::or_, Op::xor_>(*made, Type::b32, {"and", "or", "xor"});
        add_updates<Integer<uint64_t>, Op::and_, Op::or_, Op::xor_>(*made, Type::b64, {"and", "or", "xor"});
        add_updates<Float32, Op::add>(*made, Type::f32, {"add"});
        add_updates<Float64, Op::add>(*made, Type::f64, {"add"});
        add_updates<Half<F16>, Op::add, Op::min, Op::max>(*made, Type::f16, {"add", "min", "max"});
        add_updates<Half<BF16>, Op::add, Op::min, Op::max>(*made, Type::bf16, {"add", "min", "max"});
        return made;
    }();
    return all;
}

bool decode_atomic(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool red = in.opcode == "red";
    if (!red && in.opcode != "atom") return false;
    require_known(in, operands, {"add", "and", "or", "xor", "min", "max", "inc", "dec", "exch", "cas", "global", "shared",
                                 "shared::cta", "shared::cluster", "relaxed", "acquire", "release", "acq_rel", "cta",
                                 "gpu", "sys", "cluster", "noftz", "v2", "v4", "v8"}, true);
    if (in.has("bf16") || in.has("bf16x2")) need_target(operands, 90);
    static const std::pair<const char *, Op> names[] = {
        {"add", Op::add}, {"and", Op::and_}, {"or", Op::or_}, {"xor", Op::xor_}, {"min", Op::min},
        {"max", Op::max}, {"inc", Op::inc}, {"dec", Op::dec}, {"exch", Op::exch}, {"cas", Op::cas}};
    bool known = false;
    Op op = Op::add;
    for (auto [name, value] : names)
        if (in.has(name)) {
            op = value;
            known = true;
        }
    if (!known || in.modifiers.empty()) operands.reject("names no operation");
    Type type = Type::none;
    for (const std::string &m : in.modifiers)
        if (ptx::type_of(m) != Type::none) type = ptx::type_of(m);
    instr.cls = Class::atomic;
    instr.target = static_cast<uint32_t>(op);
    // Relaxed by default. acq_rel and release make earlier writes visible, like a fence.
    if (in.has("release") || in.has("acq_rel")) {
        instr.flags |= RELEASE;
        if (!in.has("cta")) instr.flags |= DEVICE_SCOPE;
    }
    const size_t shift = red ? 0 : 1;
    decode_address(in.operands.at(shift), 1, space_of(in), instr, operands);
    if (type == Type::b128) return decode_128(in, op, !red, instr, operands), true;
    for (const auto &[name, elements] : {std::pair("v2", 2), {"v4", 4}, {"v8", 8}})
        if (in.has(name)) return decode_elements(in, op, type, elements, !red, instr, operands), true;
    instr.exec = exec_for(op, type, operands);
    const Type lane = ptx::size(type) == 8 ? Type::b64 : Type::b32;
    if (!red) operands.result(0, in.operands.at(0), lane);
    operands.source(2, in.operands.at(shift + 1), lane);
    if (op == Op::cas) operands.source(3, in.operands.at(shift + 2), lane);
    return true;
}

}  // namespace softgpu
