// Bulk copies between global and shared memory, and those that combine what they copy with what is there (PTX ISA,
// "cp.async.bulk", "cp.reduce.async.bulk").
#include <cstring>

#include "instructions/atomic.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "machine/mbarrier.h"
#include "machine/memory.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

// Its names are not those of other families, with which this file is compiled as one.
namespace bulk_copies {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

constexpr uint32_t UNIT = 16;       // of sizes and addresses

// Of the own block.
void shared_addresses(const Warp &w, Slot slot, uint64_t *to) {
    for (int l = 0; l < LANES; ++l) {
        const uint32_t address = w.lanes<uint32_t>(slot)[l];
        if (w.active >> l & 1 && &owner_of(w, l, address) != w.block)
            throw Fault{Check::illegal_instruction, l, "bulk copies to or from another block of the cluster are not "
                        "provided", CUDA_ERROR_ILLEGAL_INSTRUCTION};
        to[l] = without_rank(address);
    }
}

uint32_t size_of(const Warp &w, const Instr &i, int lane) {
    const uint32_t bytes = w.lanes<uint32_t>(i.op[2])[lane];
    if (bytes % UNIT)
        throw Fault{Check::alignment, lane, "the size of a bulk copy must be a multiple of 16, not "
            + std::to_string(bytes),
                    CUDA_ERROR_MISALIGNED_ADDRESS};
    return bytes;
}

// The host address of a lane's `bytes` in a space, checked in units of 16 bytes.
std::vector<std::byte *> units(Warp &w, const Instr &i, Space space, uint64_t from, uint32_t bytes, int lane,
    Access access, std::vector<Unwritten> *unwritten = nullptr) {
    std::vector<std::byte *> all;
    for (uint32_t at = 0; at < bytes; at += UNIT) {
        uint64_t address[LANES] = {};
        std::byte *host[LANES];
        address[lane] = from + at;
        if (unwritten) unwritten->emplace_back();
        resolve(w, i, space, address, 1u << lane, UNIT, access, host, nullptr,
            unwritten ? &unwritten->back() : nullptr);
        all.push_back(host[lane]);
    }
    return all;
}

void load_bulk(Warp &w, const Instr &i) {
    Block &block = *w.block;
    uint64_t to[LANES], barriers[LANES];
    shared_addresses(w, i.op[0], to);
    shared_addresses(w, i.op[3], barriers);
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t bytes = size_of(w, i, l);
        Mbarrier &barrier = mbarrier_at(w, l, barriers[l]);
        if (bytes == 0) continue;
        Mbarrier::Copy copy{w.index * LANES + static_cast<uint32_t>(l), w.clock[w.index], static_cast<uint32_t>(to[l]),
            {}};
        const uint64_t from = w.lanes<uint64_t>(i.op[1])[l];
        std::vector<Unwritten> unwritten;
        for (const std::byte *unit : units(w, i, Space::global, from, bytes, l, Access::load, &unwritten))
            copy.data.insert(copy.data.end(), reinterpret_cast<const uint8_t *>(unit),
                reinterpret_cast<const uint8_t *>(unit) + UNIT);
        units(w, i, Space::shared, to[l], bytes, l, Access::store);
        for (uint32_t b = 0; b < bytes; ++b)
            if (const Unwritten &unit = unwritten[b / UNIT]; unit.lanes)
                store_origin(w, Space::shared, l, to[l] + b, 1,
                             origin_of_read(w, {i, unit, Space::global, l, from + b / UNIT * UNIT}, b % UNIT, 0, UNIT));
        if (block.grid->settings.on(Check::shared_race))
            for (uint64_t word = to[l] / 4; word < (to[l] + bytes) / 4; ++word)
                block.shadow.words[word].write_bytes |= SharedShadow::ASYNC;
        // The issuing thread is not ordered after its copy: only those are who wait.
        std::vector<uint32_t> &clock = barrier.arrived;
        clock.resize(std::max(clock.size(), w.clock.size()));
        clock[w.index] = std::max(clock[w.index], w.clock[w.index]);
        ++w.clock[w.index];
        barrier.copies.push_back(std::move(copy));
    }
}

// Calls update(target, source) for each unit that is copied from shared to global memory.
template <class F> void write_bulk(Warp &w, const Instr &i, Access access, F update) {
    uint64_t from[LANES];
    shared_addresses(w, i.op[1], from);
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t bytes = size_of(w, i, l);
        const auto source = units(w, i, Space::shared, from[l], bytes, l, Access::load);
        const auto target = units(w, i, Space::global, w.lanes<uint64_t>(i.op[0])[l], bytes, l, access);
        for (size_t u = 0; u < source.size(); ++u) update(target[u], source[u]);
    }
}

void store_bulk(Warp &w, const Instr &i) {
    write_bulk(w, i, Access::store, [](std::byte *to, const std::byte *from) { std::memcpy(to, from, UNIT); });
}

// Each element is combined with the one that is there, atomically. imm: the number of the update.
void reduce_bulk(Warp &w, const Instr &i) {
    const ElementUpdate &update = element_updates()[static_cast<size_t>(i.imm)];
    write_bulk(w, i, Access::atomic_update, [&](std::byte *to, const std::byte *from) {
        for (uint32_t at = 0; at < UNIT; at += update.bytes) update.apply(to + at, from + at);
    });
}

// ---- Decoding -------------------------------------------------------------------------------------------------------

// An address in brackets without an offset that is not in its register: as a 32-bit or 64-bit source.
void bulk_address(const Operand &operand, int index, Type type, Operands &operands) {
    if (operand.kind != Operand::Kind::address) operands.reject("expects an address in brackets");
    if (!operand.parts.empty()) operands.reject("tensor maps are not provided");
    if (operand.offset != 0 && operand.base == Operand::Kind::reg) operands.reject("takes addresses without an offset");
    Operand plain = operand;
    plain.kind = operand.base;
    if (plain.kind == Operand::Kind::reg &&
        ptx::size(operands.function().registers[plain.reg].type) != ptx::size(type))
        operands.reject("expects a shared address of 32 bits and a global one of 64");
    operands.source(index, plain, type);
}

bool decode(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    need_target(operands, 90);
    instr.cls = Class::async_copy;
    const bool barrier = in.has("mbarrier::complete_tx::bytes");
    if (in.has("commit_group") || in.has("wait_group") || in.has("prefetch")) {
        // A store has been done when the next instruction begins.
        instr.exec = [](Warp &, const Instr &) {};
        return true;
    }
    require_known(in, operands, {"async", "bulk", "shared::cluster", "shared::cta", "global",
        "mbarrier::complete_tx::bytes", "bulk_group"},
                  true);
    const auto space = [&](size_t which) -> std::string {
        for (const std::string &m : in.modifiers)
            if ((m == "global" || m.starts_with("shared")) && which-- == 0) return m;
        operands.reject("names two state spaces");
    };
    const bool loads = space(0) != "global" && space(1) == "global" && barrier;
    const bool stores = space(0) == "global" && space(1) == "shared::cta" && in.has("bulk_group");
    if (!loads && !stores)
        operands.reject("copies from global to shared memory with an mbarrier, or back with a .bulk_group");
    if (in.operands.size() < (loads ? 4u : 3u)) operands.reject("has too few operands");
    bulk_address(in.operands[0], 0, loads ? Type::u32 : Type::u64, operands);
    bulk_address(in.operands[1], 1, loads ? Type::u64 : Type::u32, operands);
    operands.source(2, in.operands[2], Type::u32);
    if (loads) bulk_address(in.operands[3], 3, Type::u32, operands);
    instr.exec = loads ? load_bulk : store_bulk;
    return true;
}

bool decode_reduction(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    need_target(operands, 90);
    Decoding d(in, instr, operands);
    for (std::string_view modifier : {"reduce", "async", "bulk", "global", "shared::cta", "bulk_group"})
        d.need_one({modifier});
    const Type type = d.take_type();
    const bool exact = d.take("noftz");
    const auto &all = element_updates();
    const auto found =
        std::ranges::find_if(all, [&](const ElementUpdate &u) { return u.type == type && d.take(u.name); });
    if (found == all.end()) operands.reject("there is no such reduction of ." + std::string(ptx::name(type)));
    if (exact != (found->name == "add" && (type == Type::f16 || type == Type::bf16)))
        operands.reject(".noftz is for .add of .f16 and .bf16, which need it");
    d.expect(3);
    bulk_address(in.operands[0], 0, Type::u64, operands);
    bulk_address(in.operands[1], 1, Type::u32, operands);
    operands.source(2, in.operands[2], Type::u32);
    instr.imm = found - all.begin();
    instr.cls = Class::async_copy;
    d.finish(reduce_bulk);
    return true;
}

}  // namespace bulk_copies

bool decode_bulk_copy(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode != "cp" || !in.has("bulk")) return false;
    return in.has("reduce") ? bulk_copies::decode_reduction(in, instr, operands)
                            : bulk_copies::decode(in, instr, operands);
}

}  // namespace softgpu
