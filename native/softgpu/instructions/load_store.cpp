// ld, st and their address arithmetic (PTX ISA, "Data Movement and Conversion Instructions").
#include "memory.h"

#include <cstring>
#include <immintrin.h>

#include "arena.h"
#include "block.h"
#include "decoding.h"
#include "driver/registered.h"
#include "report.h"
#include "target.h"

namespace softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

Space space_of(const ptx::Instruction &in, Operands &operands) {
    for (const std::string &m : in.modifiers) {
        if (m == "global") return Space::global;
        if (m == "shared" || m == "shared::cta") return Space::shared;
        if (m == "local") return Space::local;
        if (m == "const") return Space::constant;
        if (m == "param" || m == "param::entry" || m == "param::func") return Space::param;
        if (m == "shared::cluster") operands.reject("clusters are not provided");
    }
    return Space::generic;
}

void decode_address(const Operand &operand, int index, Space space, Instr &instr, Operands &operands) {
    instr.space = space;
    instr.imm = operand.offset;
    if (operand.kind != Operand::Kind::address) operands.reject("expects an address in brackets");
    if (operand.base == Operand::Kind::reg) {
        Operand base;
        base.kind = Operand::Kind::reg;
        base.reg = operand.reg;
        const Type declared = operands.function().registers[operand.reg].type;
        if (ptx::size(declared) == 4) instr.flags |= ADDRESS_32;
        operands.source(index, base, ptx::size(declared) == 4 ? Type::u32 : Type::u64);
        // Inside a device function, parameters lie in its frame; a register holds their address in local memory.
        if (space == Space::param && !operands.function().is_entry) instr.space = Space::local;
        return;
    }
    if (operand.base == Operand::Kind::integer) {
        instr.imm = static_cast<int64_t>(operand.integer);
        return;
    }
    const Location at = operands.locate(operand);
    instr.imm = static_cast<int64_t>(at.offset);
    if (space == Space::generic || space == Space::param) instr.space = at.space;
    else if (at.space != space && !(at.space == Space::constant && space == Space::global))
        operands.reject(operand.name + " does not lie in the space that the instruction names");
    if (at.base == Location::Base::frame) instr.flags |= FRAME;
    if (at.base == Location::Base::dynamic_shared) {
        operands.special(index, Special::dynamic_shared);
        instr.flags |= ADDRESS_32;
    }
}

void addresses(const Warp &w, const Instr &i, Slot base, uint64_t *address) {
    const uint64_t offset = static_cast<uint64_t>(i.imm);
    if (base == NO_SLOT) {
        for (int l = 0; l < LANES; ++l) address[l] = offset;
    } else if (i.flags & ADDRESS_32) {
        const uint32_t *a = w.lanes<uint32_t>(base);
        for (int l = 0; l < LANES; ++l) address[l] = static_cast<uint32_t>(a[l] + static_cast<uint32_t>(offset));
    } else {
        const uint64_t *a = w.lanes<uint64_t>(base);
        for (int l = 0; l < LANES; ++l) address[l] = a[l] + offset;
    }
    if (i.flags & FRAME)
        for (int l = 0; l < LANES; ++l) address[l] += w.stack[l];
}

namespace {

std::string bytes_of(uint32_t bytes, Access access) {
    return std::string(access == Access::load || access == Access::atomic_load ? "read" : "write") + " of " +
           std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

// The last address of a lane's access must lie before `size` in a small space.
void require_inside(const uint64_t *address, uint32_t mask, uint32_t bytes, uint64_t size, Access access, const char *space) {
    if (mask == FULL && bytes <= size) {
        bool inside = true;
        for (int l = 0; l < LANES; ++l) inside &= address[l] <= size - bytes;
        if (inside) return;
    }
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (address[l] + bytes > size || address[l] + bytes < bytes)
            throw Fault{Check::bounds, l, "out of bounds: " + bytes_of(bytes, access) + " at " + space + " address " +
                        hex(address[l]) + ", of " + std::to_string(size) + " bytes", CUDA_ERROR_ILLEGAL_ADDRESS};
    }
}

}  // namespace

void resolve(Warp &w, const Instr &i, Space space, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
             std::byte **at) {
    Block &block = *w.block;
    const Grid &grid = *block.grid;
    switch (space) {
    case Space::shared: {
        uint32_t offset[LANES];
        for (int l = 0; l < LANES; ++l) offset[l] = static_cast<uint32_t>(address[l]);
        require_inside(address, mask, bytes, grid.shared_bytes, access, "shared");
        constexpr uint32_t checked = 1u << static_cast<int>(Check::alignment) | 1u << static_cast<int>(Check::initialized) |
                                     1u << static_cast<int>(Check::shared_race);
        if (grid.settings.checks & checked) check_shared(w, offset, mask, bytes, access);
        if (block.counters) count_shared(block.counters[&i - grid.program.code.data()], offset, mask, bytes);
        for (int l = 0; l < LANES; ++l) at[l] = block.shared + offset[l];
        return;
    }
    case Space::local:
        require_inside(address, mask, bytes, grid.local_bytes, access, "local");
        for (int l = 0; l < LANES; ++l) at[l] = w.local + static_cast<size_t>(l) * grid.local_bytes + address[l];
        return;
    case Space::param:
        require_inside(address, mask, bytes, grid.launch.parameters.size(), access, "parameter");
        if (access != Access::load)
            throw Fault{Check::bounds, __builtin_ctz(mask), "kernel parameters cannot be written", CUDA_ERROR_ILLEGAL_ADDRESS};
        for (int l = 0; l < LANES; ++l)
            at[l] = const_cast<std::byte *>(reinterpret_cast<const std::byte *>(grid.launch.parameters.data())) + address[l];
        return;
    default: {
        constexpr uint32_t checked = 1u << static_cast<int>(Check::bounds) | 1u << static_cast<int>(Check::alignment) |
                                     1u << static_cast<int>(Check::initialized) | 1u << static_cast<int>(Check::block_race);
        if (grid.settings.checks & checked) {
            check_global(w, address, mask, bytes, access);
        } else {
            const Arena &arena = Arena::get();
            const uint64_t last = arena.size() - bytes;
            for (uint32_t rest = mask; rest; rest &= rest - 1) {
                const int l = __builtin_ctz(rest);
                if (address[l] - arena.base() > last && !registered_host_range(address[l], bytes))
                    throw Fault{Check::bounds, l, "out of bounds: " + bytes_of(bytes, access) + " at " + hex(address[l]) +
                                ", which is no address of the device", CUDA_ERROR_ILLEGAL_ADDRESS};
            }
        }
        if (block.counters) count_global(block.counters[&i - grid.program.code.data()], address, mask, bytes);
        for (int l = 0; l < LANES; ++l) at[l] = reinterpret_cast<std::byte *>(address[l]);
        return;
    }
    }
}

namespace {

// T: what lies in memory; D: the lane it goes to or comes from (a wider one is filled by T's sign).
template <class T, class D> void load_element(std::byte *const *at, uint32_t mask, uint32_t offset, D *d) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        T value;
        std::memcpy(&value, at[l] + offset, sizeof(T));
        d[l] = static_cast<D>(value);
    }
}

template <class T, class D> void store_element(std::byte *const *at, uint32_t mask, uint32_t offset, const D *d) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const T value = static_cast<T>(d[l]);
        std::memcpy(at[l] + offset, &value, sizeof(T));
    }
}

// All lanes active and their elements one after the other, or all the same: the common cases of coalesced access and of
// broadcast.
bool consecutive(std::byte *const *at, uint32_t mask, size_t bytes) {
    if (mask != FULL) return false;
    const auto first = reinterpret_cast<uintptr_t>(at[0]);
    bool all = true;
    for (size_t l = 0; l < LANES; ++l) all &= reinterpret_cast<uintptr_t>(at[l]) == first + l * bytes;
    return all;
}

// Four words of each lane, wherever they lie: as a matrix of 16 bytes a lane, transposed four lanes at a time.
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
    return store ? Access::store : Access::load;
}

template <class T, class D> void load(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[1], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        resolve(w, i, space, address, mask, sizeof(T) * i.width, access_of(i, false), at);
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
        if ((i.flags & STRONG) && space != Space::local) acquire(w, space == Space::shared);
    });
}

template <class T, class D> void store(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[0], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        if (i.flags & RELEASE) fence(w, i.flags & DEVICE_SCOPE);
        resolve(w, i, space, address, mask, sizeof(T) * i.width, access_of(i, true), at);
        if ((i.flags & STRONG) && space != Space::local) publish(w, space == Space::shared);
        const Slot *slots = i.width == 1 ? &i.op[1] : w.slots + i.more;
        for (int e = 0; e < i.width; ++e)
            store_element<T, D>(at, mask, static_cast<uint32_t>(e * sizeof(T)), w.lanes<D>(slots[e]));
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

// The type that lanes have for an element of `type` in this operand: a register may be wider than what it holds.
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

bool decode_load_store(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool load = in.opcode == "ld" || in.opcode == "ldu";
    if (in.modifiers.empty()) operands.reject("has no type");
    const Type type = ptx::type_of(in.modifiers.back());
    if (type == Type::none || type == Type::pred || type == Type::b128 || ptx::size(type) == 0)
        operands.reject("type " + in.modifiers.back() + " is not provided");
    require_known(in, operands, {"global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func",
                                 "weak", "volatile", "relaxed", "acquire", "release", "cta", "gpu", "sys", "cluster", "nc",
                                 "ca", "cg", "cs", "lu", "cv", "wb", "wt", "v2", "v4"}, true);
    const Operand &value = in.operands.at(load ? 0 : 1), &address = in.operands.at(load ? 1 : 0);
    const int width = in.has("v4") ? 4 : in.has("v2") ? 2 : 1;
    const bool vector = value.kind == Operand::Kind::vector;
    if (vector ? static_cast<int>(value.parts.size()) != width : width != 1)
        operands.reject("expects " + std::to_string(width) + " registers");
    instr.width = static_cast<uint8_t>(width);
    for (const char *strong : {"volatile", "relaxed", "acquire", "release"})
        if (in.has(strong)) instr.flags |= STRONG;
    if (in.has("release")) instr.flags |= RELEASE;
    if (in.has("gpu") || in.has("sys") || in.has("cluster")) instr.flags |= DEVICE_SCOPE;

    // The elements of a vector share one width of register.
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
    decode_address(address, load ? 1 : 0, space_of(in, operands), instr, operands);
    instr.exec = load ? load_exec(type, bytes) : store_exec(ptx::size(type), bytes);
    instr.cls = class_of(instr.space, load);
    return true;
}

// ---- cp.async -------------------------------------------------------------------------------------------------------

// The bytes are taken from global memory when the copy is issued, and land in shared memory when the thread waits for its
// group: as late as the manual allows, so that a program that reads them too early sees that it does.
void async_copy(Warp &w, const Instr &i) {
    Block &block = *w.block;
    const uint32_t bytes = i.width;
    uint64_t to[LANES], from[LANES];
    std::byte *at[LANES], *source[LANES];
    addresses(w, i, i.op[0], to);
    const uint64_t offset = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(i.target)));
    for (int l = 0; l < LANES; ++l) {
        from[l] = (i.op[1] == NO_SLOT ? 0 : w.lanes<uint64_t>(i.op[1])[l]) + offset;
        if (w.active >> l & 1) to[l] &= ~WINDOW_MASK;
    }
    // How many bytes to read; the rest are zeros.
    uint32_t size[LANES], reading = 0;
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        size[l] = bytes;
        if (i.op[2] != NO_SLOT) size[l] = std::min(bytes, w.lanes<uint32_t>(i.op[2])[l]);
        if (i.op[3] != NO_SLOT && (w.predicate(i.op[3]) >> l & 1)) size[l] = 0;
        if (size[l] == bytes) reading |= 1u << l;
    }
    // It counts as a load from global memory.
    LineCounters *const counters = block.counters;
    block.counters = nullptr;
    resolve(w, i, Space::shared, to, w.active, bytes, Access::store, at);
    block.counters = counters;
    if (reading) resolve(w, i, Space::global, from, reading, bytes, Access::load, source);
    block.counters = nullptr;
    for (uint32_t rest = w.active & ~reading; rest; rest &= rest - 1) {
        // Parts of a copy: byte by byte.
        const int l = __builtin_ctz(rest);
        uint64_t address[LANES] = {};
        std::byte *byte[LANES];
        source[l] = nullptr;
        for (uint32_t b = 0; b < size[l]; ++b) {
            address[l] = from[l] + b;
            resolve(w, i, Space::global, address, 1u << l, 1, Access::load, byte);
            if (b == 0) source[l] = byte[l];
        }
    }
    block.counters = counters;
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t thread = w.index * LANES + static_cast<uint32_t>(l);
        Block::AsyncCopy copy{thread, static_cast<uint32_t>(to[l]), static_cast<uint8_t>(bytes), block.copy_group[thread], {}};
        if (size[l]) std::memcpy(copy.data, source[l], size[l]);
        block.copies.push_back(copy);
        if (block.grid->settings.on(Check::shared_race))
            for (uint32_t word = copy.to / 4; word < (copy.to + bytes) / 4; ++word) block.shadow.words[word].write_bytes |= 32;
    }
}

void commit_copies(Warp &w, const Instr &) {
    for (uint32_t rest = w.active; rest; rest &= rest - 1)
        ++w.block->copy_group[w.index * LANES + static_cast<uint32_t>(__builtin_ctz(rest))];
}

// imm: how many of the thread's last groups may still be under way; -1: not even copies that no group holds yet.
void wait_copies(Warp &w, const Instr &i) {
    Block &block = *w.block;
    const uint32_t now = w.clock[w.index];
    std::erase_if(block.copies, [&](const Block::AsyncCopy &copy) {
        if (copy.thread / LANES != w.index || !(w.active >> (copy.thread % LANES) & 1)) return false;
        if (i.imm >= 0 && copy.group + i.imm >= block.copy_group[copy.thread]) return false;
        std::memcpy(block.shared + copy.to, copy.data, copy.bytes);
        if (block.grid->settings.on(Check::shared_race))
            for (uint32_t word = copy.to / 4; word < (copy.to + copy.bytes) / 4u; ++word) {
                SharedShadow::Word &x = block.shadow.words[word];
                x.write_bytes = 15;
                x.writer = static_cast<uint16_t>(copy.thread);
                x.write_time = now;
            }
        return true;
    });
}

bool decode_async_copy(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    instr.cls = Class::async_copy;
    need_target(operands, 80);
    require_known(in, operands, {"async", "commit_group", "wait_group", "wait_all", "ca", "cg", "shared", "shared::cta", "global"},
                  true);
    if (in.has("commit_group")) {
        instr.exec = commit_copies;
        return true;
    }
    if (in.has("wait_group") || in.has("wait_all")) {
        instr.imm = in.has("wait_all") ? -1 : static_cast<int64_t>(in.operands.at(0).integer);
        instr.exec = wait_copies;
        return true;
    }
    if (in.operands.size() < 3 || in.operands[2].kind != Operand::Kind::integer) operands.reject("expects a size");
    const uint64_t bytes = in.operands[2].integer;
    if (bytes != 16 && (in.has("cg") || (bytes != 4 && bytes != 8))) operands.reject("its size must be 4, 8 or 16, for .cg 16");
    // The two addresses: shared in op[0], flags and imm; global in op[1] and target.
    Instr source;
    if (in.operands[1].kind != Operand::Kind::address || in.operands[1].base != Operand::Kind::reg)
        operands.reject("expects its source's address in a register");
    Operand from = in.operands[1];
    from.kind = Operand::Kind::reg;
    operands.source(1, from, Type::u64);
    instr.target = static_cast<uint32_t>(static_cast<int32_t>(in.operands[1].offset));
    decode_address(in.operands[0], 0, Space::shared, instr, operands);
    instr.width = static_cast<uint8_t>(bytes);
    if (in.operands.size() > 3 && in.operands[3].kind != Operand::Kind::sink) {
        const bool ignore = in.operands[3].kind == Operand::Kind::reg &&
                            operands.function().registers[in.operands[3].reg].type == Type::pred;
        if (in.has("L2::cache_hint") && in.operands.size() == 4) return instr.exec = async_copy, true;
        operands.source(ignore ? 3 : 2, in.operands[3], ignore ? Type::pred : Type::u32);
    }
    instr.exec = async_copy;
    return true;
}

// ---- ldmatrix -------------------------------------------------------------------------------------------------------

// x1, x2 or x4 matrices of 8 x 8 values of 16 bits; lane 8m + r holds the address of row r of matrix m. Lane l gets of each
// matrix the two values of row l/4 at columns 2(l%4) and the next, or of the transposed matrix likewise.
template <bool TRANSPOSED> void load_matrix(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *row[LANES];
    addresses(w, i, i.op[0], address);
    for (int l = 0; l < LANES; ++l) address[l] &= ~WINDOW_MASK;
    const int matrices = i.width;
    const uint32_t mask = matrices == 4 ? FULL : (1u << 8 * matrices) - 1;
    resolve(w, i, Space::shared, address, mask, 16, Access::load, row);
    const Slot *slots = w.slots + i.more;
    uint32_t result[4][LANES];
    for (int m = 0; m < matrices; ++m)
        for (int l = 0; l < LANES; ++l) {
            uint16_t pair[2];
            for (int e = 0; e < 2; ++e) {
                const int r = TRANSPOSED ? l % 4 * 2 + e : l / 4, c = TRANSPOSED ? l / 4 : l % 4 * 2 + e;
                std::memcpy(&pair[e], row[8 * m + r] + 2 * c, 2);
            }
            result[m][l] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
        }
    for (int m = 0; m < matrices; ++m) std::memcpy(w.lanes<uint32_t>(slots[m]), result[m], sizeof result[m]);
}

bool decode_load_matrix(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    need_target(operands, 75);
    require_known(in, operands, {"sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta"});
    if (!in.has("m8n8") || !in.has("b16")) operands.reject("of the shapes only .m8n8 of .b16 is provided");
    instr.flow = Flow::converge;
    instr.cls = Class::load_shared;
    instr.width = in.has("x4") ? 4 : in.has("x2") ? 2 : 1;
    operands.more_results(in.operands.at(0), Type::b32);
    decode_address(in.operands.at(1), 0, Space::shared, instr, operands);
    instr.exec = in.has("trans") ? load_matrix<true> : load_matrix<false>;
    return true;
}

}  // namespace

bool decode_memory(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const std::string &op = in.opcode;
    if (op == "ld" || op == "ldu" || op == "st") return decode_load_store(in, instr, operands);
    if (op == "cp") return decode_async_copy(in, instr, operands);
    if (op == "ldmatrix") return decode_load_matrix(in, instr, operands);
    if (op == "prefetch" || op == "prefetchu" || op == "applypriority" || op == "discard") {
        // Hints about caches, of which there are none; discard leaves the bytes undefined, which what they were is.
        instr.cls = Class::load_global;
        instr.exec = [](Warp &, const Instr &) {};
        return true;
    }
    return false;
}

}  // namespace softgpu
