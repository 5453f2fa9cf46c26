// cp.async (PTX ISA, "cp.async").
#include <cstring>

#include "instructions/addressing.h"
#include "instructions/async_copy.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/memory.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

void count_copy(LineCounters &c, const uint64_t *to, uint32_t mask, uint32_t bytes) {
    uint32_t offset[LANES];
    for (int l = 0; l < LANES; ++l) offset[l] = static_cast<uint32_t>(to[l]);
    LineCounters write;
    count_shared(write, offset, mask, bytes);
    c.wavefronts += write.wavefronts;
    c.ideal += write.ideal;
}

// The bytes are read from global memory when the copy is issued, and written to shared memory when the thread waits for
// its group. That is as late as the manual allows, so that a read without the wait is detected.
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
    // Counted as a load from global memory, with the passes over the banks of the write to shared memory.
    LineCounters *const counters = block.counters;
    block.counters = nullptr;
    resolve(w, i, Space::shared, to, w.active, bytes, Access::store, at);
    block.counters = counters;
    if (counters) count_copy(counters[&i - block.grid->program.code.data()], to, w.active, bytes);
    Unwritten unwritten;
    if (reading) resolve(w, i, Space::global, from, reading, bytes, Access::load, source, nullptr, &unwritten);
    block.counters = nullptr;
    for (uint32_t rest = w.active & ~reading; rest; rest &= rest - 1) {
        // A partial copy, byte by byte.
        const int l = __builtin_ctz(rest);
        uint64_t address[LANES] = {};
        std::byte *byte[LANES];
        source[l] = nullptr;
        for (uint32_t b = 0; b < size[l]; ++b) {
            address[l] = from[l] + b;
            Unwritten missing;
            resolve(w, i, Space::global, address, 1u << l, 1, Access::load, byte, nullptr, &missing);
            if (missing.lanes)
                store_origin(w, Space::shared, l, to[l] + b, 1,
                             origin_of_read(w, {i, missing, Space::global, l, address[l]}, 0, 0, 1));
            if (b == 0) source[l] = byte[l];
        }
    }
    for (uint32_t rest = unwritten.lanes; rest; rest &= rest - 1)
        for (uint32_t b = 0; b < bytes; ++b) {
            const int l = __builtin_ctz(rest);
            store_origin(w, Space::shared, l, to[l] + b, 1,
                         origin_of_read(w, {i, unwritten, Space::global, l, from[l], bytes}, b, 0, bytes));
        }
    block.counters = counters;
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t thread = w.index * LANES + static_cast<uint32_t>(l);
        Block::AsyncCopy copy{thread, static_cast<uint32_t>(to[l]), static_cast<uint8_t>(bytes), block.copy_group[thread], {}};
        if (size[l]) std::memcpy(copy.data, source[l], size[l]);
        block.copies.push_back(copy);
        if (block.grid->settings.on(Check::shared_race))
            for (uint32_t word = copy.to / 4; word < (copy.to + bytes) / 4; ++word)
                block.shadow.words[word].write_bytes |= SharedShadow::ASYNC;
    }
}

void commit_copies(Warp &w, const Instr &) {
    for (uint32_t rest = w.active; rest; rest &= rest - 1)
        ++w.block->copy_group[w.index * LANES + static_cast<uint32_t>(__builtin_ctz(rest))];
}

// `groups`: how many of the thread's last groups may still be pending; -1: none, nor copies that are not in a group
// yet.
void complete_copies(Warp &w, int64_t groups) {
    Block &block = *w.block;
    const uint32_t now = w.clock[w.index];
    std::erase_if(block.copies, [&](const Block::AsyncCopy &copy) {
        if (copy.thread / LANES != w.index || !(w.active >> (copy.thread % LANES) & 1)) return false;
        if (groups >= 0 && copy.group + static_cast<uint64_t>(groups) >= block.copy_group[copy.thread]) return false;
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

void wait_copies(Warp &w, const Instr &i) { complete_copies(w, i.imm); }

}  // namespace

void complete_copies(Warp &w) { complete_copies(w, -1); }

bool decode_async_copy(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode != "cp") return false;
    instr.cls = Class::async_copy;
    need_target(operands, 80);
    require_known(in, operands, {"async", "commit_group", "wait_group", "wait_all", "ca", "cg", "shared", "shared::cta", "global"},
                  true);
    if (in.has("commit_group")) {
        instr.exec = commit_copies;
        return true;
    }
    if (in.has("wait_group") || in.has("wait_all")) {
        instr.imm = in.has("wait_all") ? -1 : static_cast<int64_t>(in.operands.at(0).integer & 0x7fffffff);
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
    instr.cached = !in.has("cg");
    if (in.operands.size() > 3 && in.operands[3].kind != Operand::Kind::sink) {
        const bool ignore = in.operands[3].kind == Operand::Kind::reg &&
                            operands.function().registers[in.operands[3].reg].type == Type::pred;
        if (in.has("L2::cache_hint") && in.operands.size() == 4) return instr.exec = async_copy, true;
        operands.source(ignore ? 3 : 2, in.operands[3], ignore ? Type::pred : Type::u32);
    }
    instr.exec = async_copy;
    return true;
}

}  // namespace softgpu
