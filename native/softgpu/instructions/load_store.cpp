// ld and st (PTX ISA, "Data Movement and Conversion Instructions").
#include <immintrin.h>
#include <cstring>

#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/memory.h"
#include "program/decoding.h"

namespace softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

// T: the type in memory; D: the type of the lane (a wider lane is sign- or zero-extended, as T is signed or not).
template <class T, class D> void load_element(std::byte *const *at, uint32_t mask, uint32_t offset, D *d) {
    const auto load = [=](int l) {
        T value;
        std::memcpy(&value, at[l] + offset, sizeof(T));
        d[l] = static_cast<D>(value);
    };
    if (mask == FULL)
        for (int l = 0; l < LANES; ++l) load(l);
    else
        for (uint32_t rest = mask; rest; rest &= rest - 1) load(__builtin_ctz(rest));
}

template <class T, class D> void store_element(std::byte *const *at, uint32_t mask, uint32_t offset, const D *d) {
    const auto store = [=](int l) {
        const T value = static_cast<T>(d[l]);
        std::memcpy(at[l] + offset, &value, sizeof(T));
    };
    if (mask == FULL)
        for (int l = 0; l < LANES; ++l) store(l);
    else
        for (uint32_t rest = mask; rest; rest &= rest - 1) store(__builtin_ctz(rest));
}

// The most common case: all lanes are active, and their elements lie side by side.
bool consecutive(std::byte *const *at, uint32_t mask, size_t bytes) {
    const auto first = reinterpret_cast<uintptr_t>(at[0]);
    uintptr_t different = mask ^ FULL;
    for (size_t l = 0; l < LANES; ++l) different |= reinterpret_cast<uintptr_t>(at[l]) ^ (first + l * bytes);
    return !different;
}

// Four words per lane at any addresses: 4x4 transposes, four lanes at a time.
void load_four_words(const Warp &w, std::byte *const *at, const Slot *slots) {
    float *const d[4] = {w.lanes<float>(slots[0]), w.lanes<float>(slots[1]), w.lanes<float>(slots[2]), w.lanes<float>(slots[3])};
    for (int l = 0; l < LANES; l += 4) {
        __m128 a = _mm_loadu_ps(reinterpret_cast<const float *>(at[l]));
        __m128 b = _mm_loadu_ps(reinterpret_cast<const float *>(at[l + 1]));
        __m128 c = _mm_loadu_ps(reinterpret_cast<const float *>(at[l + 2]));
        __m128 e = _mm_loadu_ps(reinterpret_cast<const float *>(at[l + 3]));
        _MM_TRANSPOSE4_PS(a, b, c, e);
        _mm_storeu_ps(d[0] + l, a);
        _mm_storeu_ps(d[1] + l, b);
        _mm_storeu_ps(d[2] + l, c);
        _mm_storeu_ps(d[3] + l, e);
    }
}

Access access_of(const Instr &i, bool store) {
    if (i.flags & STRONG) return store ? Access::atomic_store : Access::atomic_load;
    if (i.before_cas) return Access::atomic_load;
    return store ? Access::store : Access::load;
}

// What is undefined of the elements of type T that have been loaded to lanes of type D.
template <class T, class D> void load_origins(Warp &w, const Instr &i, const Unwritten &unwritten, Space space,
                                              const uint64_t *address, uint32_t mask, const Slot *slots) {
    const auto bytes = static_cast<uint32_t>(i.width * sizeof(T));
    for (uint32_t rest = mask; rest; rest &= rest - 1)
        for (uint32_t e = 0; e < i.width; ++e) {
            const int l = __builtin_ctz(rest);
            const LaneBytes to{slots[e], l, sizeof(D) == 8};
            add_origins(w, {i, unwritten, space, l, address[l], bytes}, e * sizeof(T), sizeof(T), to);
            if (!std::is_signed_v<T> || !w.undefined) continue;
            Origin *const bytes = w.undefined->of_register(to);
            for (uint32_t b = sizeof(T); b < sizeof(D); ++b) w.undefined->set(bytes[b], bytes[sizeof(T) - 1]);
        }
}

template <class T, class D> void store_origins(Warp &w, const Instr &i, Space space, const uint64_t *address,
                                               uint32_t mask, const Slot *slots) {
    for (uint32_t rest = mask; rest; rest &= rest - 1)
        for (uint32_t e = 0; e < i.width; ++e) {
            const int l = __builtin_ctz(rest);
            store_origins(w, space, address[l] + e * sizeof(T), sizeof(T), {slots[e], l, sizeof(D) == 8});
        }
}

// Loads what is the same for all lanes: a parameter of the kernel, at an address that the instruction knows. False if
// it is something else.
template <class T, class D> bool load_parameter(Warp &w, const Instr &i) {
    const std::vector<uint8_t> &parameters = w.block->grid->launch.parameters;
    const auto at = static_cast<uint64_t>(i.imm);
    if (i.space != Space::param || i.op[1] != NO_SLOT || w.undefined || at > parameters.size() ||
        parameters.size() - at < sizeof(T) * i.width)
        return false;
    for (uint32_t e = 0; e < i.width; ++e) {
        T value;
        std::memcpy(&value, parameters.data() + at + e * sizeof(T), sizeof(T));
        D *const d = w.lanes<D>(i.width == 1 ? i.op[0] : w.slots[i.more + e]);
        for_lanes(w, d, [=](int) { return static_cast<D>(value); });
    }
    return true;
}

template <class T, class D> void load(Warp &w, const Instr &i) {
    if (load_parameter<T, D>(w, i)) return;
    uint64_t address[LANES];
    std::byte *at[LANES];
    Unwritten unwritten;
    addresses(w, i, i.op[1], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        resolve(w, i, space, address, mask, sizeof(T) * i.width, access_of(i, false), at, nullptr, &unwritten);
        const Slot *slots = i.width == 1 ? &i.op[0] : w.slots + i.more;
        if (sizeof(T) == 4 && sizeof(D) == 4 && i.width == 4 && mask == FULL) {
            load_four_words(w, at, slots);
        } else if (consecutive(at, mask, sizeof(T) * i.width)) {
            const std::byte *first = at[0];
            for (int e = 0; e < i.width; ++e) {
                D *d = w.lanes<D>(slots[e]);
                for (int l = 0; l < LANES; ++l) {
                    T value;
                    std::memcpy(&value, first + (static_cast<size_t>(l) * i.width + static_cast<size_t>(e)) * sizeof(T), sizeof(T));
                    d[l] = static_cast<D>(value);
                }
            }
        } else {
            for (int e = 0; e < i.width; ++e)
                load_element<T, D>(at, mask, static_cast<uint32_t>(e * sizeof(T)), w.lanes<D>(slots[e]));
        }
        if (unwritten.lanes || w.undefined) [[unlikely]]
            load_origins<T, D>(w, i, unwritten, space, address, mask, slots);
        if ((i.flags & STRONG) && space != Space::local) acquire(w, space == Space::shared);
    });
}

template <class T, class D> void store(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[0], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        if (i.flags & RELEASE) fence(w, i.flags & DEVICE_SCOPE);
        const Slot *slots = i.width == 1 ? &i.op[1] : w.slots + i.more;
        const StoredValues stored{slots, i.width, sizeof(T), sizeof(D) == 8};
        resolve(w, i, space, address, mask, sizeof(T) * i.width, access_of(i, true), at, i.flags & STRONG ? nullptr : &stored);
        if (w.undefined) [[unlikely]] store_origins<T, D>(w, i, space, address, mask, slots);
        if ((i.flags & STRONG) && space != Space::local) publish(w, space == Space::shared);
        if (i.width == 1 && consecutive(at, mask, sizeof(T))) {
            const D *const d = w.lanes<D>(slots[0]);
            T *const to = reinterpret_cast<T *>(at[0]);
            for (int l = 0; l < LANES; ++l) to[l] = static_cast<T>(d[l]);
        } else {
            for (int e = 0; e < i.width; ++e)
                store_element<T, D>(at, mask, static_cast<uint32_t>(e * sizeof(T)), w.lanes<D>(slots[e]));
        }
        if ((i.flags & STRONG) && space != Space::local) acquire(w, space == Space::shared);
    });
}

// A load into a 16-bit register keeps its lane zero-extended, so a signed byte is widened to 16 bits first.
void load_s8_into_16(Warp &w, const Instr &i) {
    load<int8_t, uint32_t>(w, i);
    for (int e = 0; e < i.width; ++e) {
        uint32_t *d = w.lanes<uint32_t>(i.width == 1 ? i.op[0] : w.slots[i.more + static_cast<uint32_t>(e)]);
        for (int l = 0; l < LANES; ++l) d[l] = w.active >> l & 1 ? d[l] & 0xffff : d[l];
    }
}

Exec load_exec(Type type, int register_bytes) {
    const bool wide = register_bytes == 8;
    switch (type) {
    case Type::b8: case Type::u8: return wide ? load<uint8_t, uint64_t> : load<uint8_t, uint32_t>;
    case Type::s8: return wide ? load<int8_t, uint64_t> : register_bytes == 2 ? load_s8_into_16 : load<int8_t, uint32_t>;
    case Type::b16: case Type::u16: case Type::f16: case Type::bf16: return wide ? load<uint16_t, uint64_t> : load<uint16_t, uint32_t>;
    case Type::s16:
        return wide ? load<int16_t, uint64_t> : register_bytes == 2 ? load<uint16_t, uint32_t> : load<int16_t, uint32_t>;
    case Type::s32: return wide ? load<int32_t, uint64_t> : load<uint32_t, uint32_t>;
    case Type::b64: case Type::u64: case Type::s64: case Type::f64: return load<uint64_t, uint64_t>;
    default: return wide ? load<uint32_t, uint64_t> : load<uint32_t, uint32_t>;
    }
}

Exec store_exec(int bytes, int register_bytes) {
    const bool wide = register_bytes == 8;
    switch (bytes) {
    case 1: return wide ? store<uint8_t, uint64_t> : store<uint8_t, uint32_t>;
    case 2: return wide ? store<uint16_t, uint64_t> : store<uint16_t, uint32_t>;
    case 4: return wide ? store<uint32_t, uint64_t> : store<uint32_t, uint32_t>;
    default: return store<uint64_t, uint64_t>;
    }
}

// The lane type for an element of `type` in this operand: a register may be wider than the element.
Type lane_type(const Operand &operand, Type type, const Operands &operands) {
    if (operand.kind != Operand::Kind::reg) return type;
    const Type declared = operands.function().registers[operand.reg].type;
    return ptx::size(declared) == 8 ? Type::b64 : ptx::size(type) == 8 ? Type::b64 : Type::b32;
}

int register_bytes(const Operand &operand, Type type, const Operands &operands) {
    return operand.kind == Operand::Kind::reg ? ptx::size(operands.function().registers[operand.reg].type) : ptx::size(type);
}

Class class_of(Space space, bool load) {
    switch (space) {
    case Space::shared: return load ? Class::load_shared : Class::store_shared;
    case Space::local: return Class::local;
    case Space::param: case Space::constant: return Class::constant;
    default: return load ? Class::load_global : Class::store_global;
    }
}

// Cache hints: caches are not modelled. discard leaves the bytes undefined; here they keep their values.
bool is_hint(const std::string &opcode) {
    return opcode == "prefetch" || opcode == "prefetchu" || opcode == "applypriority" || opcode == "discard";
}

// createpolicy makes a cache hint.
void decode_policy(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.modifiers.empty() || in.modifiers.back() != "b64" || !(in.has("fractional") || in.has("range")
        || in.has("cvt")))
        operands.reject("needs .fractional, .range or .cvt, and .b64");
    operands.result(0, in.operands.at(0), Type::b64);
    instr.cls = Class::integer;
    instr.exec = [](Warp &w, const Instr &i) {
        for_lanes(w, w.lanes<uint64_t>(i.op[0]), [](int) { return uint64_t(0); });
    };
}

}  // namespace

bool decode_load_store(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode == "createpolicy") return decode_policy(in, instr, operands), true;
    if (is_hint(in.opcode)) {
        instr.cls = Class::load_global;
        instr.exec = [](Warp &, const Instr &) {};
        return true;
    }
    if (in.opcode != "ld" && in.opcode != "ldu" && in.opcode != "st") return false;
    const bool load = in.opcode != "st";
    if (in.modifiers.empty()) operands.reject("has no type");
    const bool quad = in.modifiers.back() == "b128";        // a register of which is a vector of its halves
    const Type type = quad ? Type::b64 : ptx::type_of(in.modifiers.back());
    if (type == Type::none || type == Type::pred || ptx::size(type) == 0)
        operands.reject("type " + in.modifiers.back() + " is not provided");
    require_known(in, operands, {"global", "shared", "shared::cta", "shared::cluster", "local", "const", "param",
                                 "param::entry", "param::func",
                                 "weak", "volatile", "relaxed", "acquire", "release", "cta", "gpu", "sys", "cluster", "nc",
                                 "ca", "cg", "cs", "lu", "cv", "wb", "wt", "v2", "v4"}, true);
    const Operand &value = in.operands.at(load ? 0 : 1), &address = in.operands.at(load ? 1 : 0);
    if (quad && (in.has("v2") || in.has("v4"))) operands.reject("a vector of .b128 has too many bits");
    const int width = in.has("v4") ? 4 : in.has("v2") || quad ? 2 : 1;
    const bool vector = value.kind == Operand::Kind::vector;
    if (vector ? static_cast<int>(value.parts.size()) != width : width != 1)
        operands.reject("expects " + std::to_string(width) + " registers");
    instr.width = static_cast<uint8_t>(width);
    for (const char *strong : {"volatile", "relaxed", "acquire", "release"})
        if (in.has(strong)) instr.flags |= STRONG;
    if (in.has("release")) instr.flags |= RELEASE;
    if (in.has("gpu") || in.has("sys") || in.has("cluster")) instr.flags |= DEVICE_SCOPE;

    // All elements of a vector have the same register width.
    const std::vector<Operand> elements = vector ? value.parts : std::vector<Operand>{value};
    int bytes = ptx::size(type);
    for (const Operand &element : elements) {
        if (element.kind != Operand::Kind::reg) continue;
        bytes = register_bytes(element, type, operands);
        break;
    }
    if (bytes < ptx::size(type)) operands.reject("a register is too small for the type");
    const Type lane = bytes == 8 ? Type::b64 : Type::b32;
    for (const Operand &element : elements)
        if (element.kind == Operand::Kind::reg && lane_type(element, type, operands) != lane)
            operands.reject("its registers are of different sizes");
    if (width == 1) {
        if (load) operands.result(0, value, lane);
        else operands.source(1, value, lane);
    } else {
        if (load) operands.more_results(value, lane);
        else operands.more_sources(value, lane);
    }
    decode_address(address, load ? 1 : 0, space_of(in), instr, operands);
    instr.exec = load ? load_exec(type, bytes) : store_exec(ptx::size(type), bytes);
    instr.cls = class_of(instr.space, load);
    instr.streams = in.has("cs");
    instr.cached = load && !(instr.flags & STRONG) && !in.has("cg") && !in.has("cv");
    return true;
}

}  // namespace softgpu
