// atom and red (PTX ISA, "atom", "red"). The lanes of a warp run one after another, lowest first. Blocks on other host
// threads are synchronised by the host's atomics.
#include <cmath>
#include <cstring>

#include "base/formats.h"
#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/block.h"
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

// F: F16 or BF16.
template <class F> struct Half {
    using Bits = uint16_t;
    static Bits combine(Op, Bits old, Bits b, Bits, Space) {
        return static_cast<Bits>(narrow<F, Round::nearest>(sum_to_odd(widen<F, double>(old), widen<F, double>(b))));
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

// D: the lanes of the operands.
template <class K, class D> void atomic(Warp &w, const Instr &i) {
    using Bits = typename K::Bits;
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[1], address);
    const Op op = static_cast<Op>(i.width);
    const D *b = w.lanes<D>(i.op[2]), *c = i.op[3] == NO_SLOT ? nullptr : w.lanes<D>(i.op[3]);
    D *d = i.op[0] == NO_SLOT ? nullptr : w.lanes<D>(i.op[0]);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        if (i.flags & RELEASE) fence(w, i.flags & DEVICE_SCOPE);
        resolve(w, i, space, address, mask, sizeof(Bits), Access::atomic_update, at);
        if (space != Space::local) publish(w, space == Space::shared);
        D results[LANES];
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            Bits *const word = reinterpret_cast<Bits *>(at[l]);
            Bits old = __atomic_load_n(word, __ATOMIC_RELAXED), next;
            do {
                next = K::combine(op, old, static_cast<Bits>(b[l]), c ? static_cast<Bits>(c[l]) : Bits(0), space);
            } while (!__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
            results[l] = static_cast<D>(old);
        }
        if (d)
            for (int l = 0; l < LANES; ++l) d[l] = mask >> l & 1 ? results[l] : d[l];
        if (space != Space::local) acquire(w, space == Space::shared);
    });
}

Exec exec_for(Op op, Type type, const ptx::Instruction &in, Operands &operands) {
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
    operands.reject("there is no such atomic operation on ." + in.modifiers.back());
}

}  // namespace

bool decode_atomic(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool red = in.opcode == "red";
    if (!red && in.opcode != "atom") return false;
    require_known(in, operands, {"add", "and", "or", "xor", "min", "max", "inc", "dec", "exch", "cas", "global", "shared",
                                 "shared::cta", "relaxed", "acquire", "release", "acq_rel", "cta", "gpu", "sys", "cluster",
                                 "noftz"}, true);
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
    const Type type = ptx::type_of(in.modifiers.back());
    instr.exec = exec_for(op, type, in, operands);
    instr.cls = Class::atomic;
    instr.width = static_cast<uint8_t>(op);
    // Relaxed by default. acq_rel and release make earlier writes visible, like a fence.
    if (in.has("release") || in.has("acq_rel")) {
        instr.flags |= RELEASE;
        if (!in.has("cta")) instr.flags |= DEVICE_SCOPE;
    }
    const Type lane = ptx::size(type) == 8 ? Type::b64 : Type::b32;
    const size_t shift = red ? 0 : 1;
    if (!red) operands.result(0, in.operands.at(0), lane);
    decode_address(in.operands.at(shift), 1, space_of(in, operands), instr, operands);
    operands.source(2, in.operands.at(shift + 1), lane);
    if (op == Op::cas) operands.source(3, in.operands.at(shift + 2), lane);
    return true;
}

}  // namespace softgpu
