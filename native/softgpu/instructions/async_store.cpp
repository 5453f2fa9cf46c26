// st.async and red.async: what a thread writes to shared memory, mostly another block's, with an mbarrier beside it that
// counts the bytes (PTX ISA, "st.async", "red.async"). The bytes are there, and counted, when the next instruction
// begins.
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
namespace async_stores {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

// The bytes of a lane's operand.
uint32_t bytes_of(const Instr &i) { return i.width * static_cast<uint32_t>(i.target); }

void read_operand(const Warp &w, const Instr &i, int lane, std::byte *to) {
    const Slot *const slots = i.width == 1 ? &i.op[2] : w.slots + i.more;
    for (uint32_t e = 0; e < i.width; ++e) {
        const uint64_t value = i.target == 8 ? w.lanes<uint64_t>(slots[e])[lane] : w.lanes<uint32_t>(slots[e])[lane];
        std::memcpy(to + e * i.target, &value, i.target);
    }
}

// Calls update(at, operand) for each lane: both addresses must be of one block.
template <class F> void store(Warp &w, const Instr &i, Access access, F update) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    for (int l = 0; l < LANES; ++l) address[l] = w.lanes<uint32_t>(i.op[0])[l];
    resolve(w, i, Space::shared, address, w.active, bytes_of(i), access, at);
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint64_t barrier = w.lanes<uint32_t>(i.op[1])[l];
        if (&owner_of(w, l, address[l]) != &owner_of(w, l, barrier))
            throw Fault{Check::barrier, l, "the mbarrier is of another block than what is written",
                        CUDA_ERROR_LAUNCH_FAILED};
        std::byte operand[16];
        read_operand(w, i, l, operand);
        update(at[l], operand);
        complete_bytes(w, l, mbarrier_at(w, l, barrier), bytes_of(i));
    }
}

void store_async(Warp &w, const Instr &i) {
    store(w, i, Access::store,
          [&](std::byte *at, const std::byte *operand) { std::memcpy(at, operand, bytes_of(i)); });
}

// imm: the number of the update.
void reduce_async(Warp &w, const Instr &i) {
    store(w, i, Access::atomic_update, element_updates()[static_cast<size_t>(i.imm)].apply);
}

void shared_address(const Operand &operand, int index, Operands &operands) {
    if (operand.kind != Operand::Kind::address || !operand.parts.empty() || operand.base != Operand::Kind::reg ||
        operand.offset != 0)
        operands.reject("takes addresses of shared memory in a register, in brackets");
    Operand plain = operand;
    plain.kind = Operand::Kind::reg;
    operands.source(index, plain, Type::u32);
}

void decode_store(Decoding &d) {
    const Type type = d.take_type();
    d.take("weak");
    const int vector = d.take_one({"v2", "v4"});
    const int bytes = ptx::size(type);
    if (type == Type::none || (bytes != 4 && bytes != 8) || (bytes == 8 && vector == 1))
        d.operands.reject("is for elements of 32 and 64 bits, and vectors of at most 128");
    d.instr.width = static_cast<uint8_t>(vector < 0 ? 1 : vector == 0 ? 2 : 4);
    d.instr.target = static_cast<uint32_t>(bytes);
    const Operand &value = d.in.operands[1];
    const Type lane = bytes == 8 ? Type::b64 : Type::b32;
    if (vector < 0) {
        d.operands.source(2, value, lane);
    } else {
        if (value.kind != Operand::Kind::vector || value.parts.size() != d.instr.width)
            d.operands.reject("needs " + std::to_string(d.instr.width) + " registers");
        d.operands.more_sources(value, lane);
    }
    d.finish(store_async);
}

void decode_reduction(Decoding &d) {
    const Type type = d.take_type();
    d.need_one({"relaxed"});
    d.need_one({"cluster"});
    const auto &all = element_updates();
    const bool is_provided = is_integer(type) && type != Type::s64;
    const auto found =
        std::ranges::find_if(all, [&](const ElementUpdate &u) { return u.type == type && d.take(u.name); });
    if (!is_provided || found == all.end() || (found->bytes == 8 && found->name != "add"))
        d.operands.reject("there is no such reduction of ." + std::string(ptx::name(type)));
    d.instr.width = 1;
    d.instr.target = found->bytes;
    d.instr.imm = found - all.begin();
    d.operands.source(2, d.in.operands[1], found->bytes == 8 ? Type::b64 : Type::b32);
    d.finish(reduce_async);
}

}  // namespace async_stores

bool decode_async_store(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if ((in.opcode != "st" && in.opcode != "red") || !in.has("async")) return false;
    need_target(operands, 90);
    Decoding d(in, instr, operands);
    for (std::string_view modifier : {"async", "shared::cluster", "mbarrier::complete_tx::bytes"})
        d.need_one({modifier});
    d.expect(3);
    instr.cls = Class::atomic;      // its operands must be defined
    instr.flags = IN_CLUSTER;
    instr.space = ptx::Space::shared;
    async_stores::shared_address(in.operands[0], 0, operands);
    async_stores::shared_address(in.operands[2], 1, operands);
    if (in.opcode == "st") async_stores::decode_store(d);
    else async_stores::decode_reduction(d);
    return true;
}

}  // namespace softgpu
