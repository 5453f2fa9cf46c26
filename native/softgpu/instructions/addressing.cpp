#include "instructions/addressing.h"

#include "program/target.h"

namespace softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

Space space_of(const ptx::Instruction &in) {
    for (const std::string &m : in.modifiers) {
        if (m == "global") return Space::global;
        if (m == "shared" || m == "shared::cta" || m == "shared::cluster") return Space::shared;
        if (m == "local") return Space::local;
        if (m == "const") return Space::constant;
        if (m == "param" || m == "param::entry" || m == "param::func") return Space::param;
    }
    return Space::generic;
}

void decode_address(const Operand &operand, int index, Space space, Instr &instr, Operands &operands) {
    instr.space = space;
    instr.imm = operand.offset;
    if (operands.instruction().has("shared::cluster")) {
        need_target(operands, 90);
        instr.flags |= IN_CLUSTER;
    }
    if (operand.kind != Operand::Kind::address) operands.reject("expects an address in brackets");
    if (!operand.parts.empty()) operands.reject("takes an address without coordinates");
    instr.decides |= static_cast<uint8_t>(1 << index);
    if (operand.base == Operand::Kind::reg) {
        Operand base;
        base.kind = Operand::Kind::reg;
        base.reg = operand.reg;
        const Type declared = operands.function().registers[operand.reg].type;
        if (ptx::size(declared) == 4) instr.flags |= ADDRESS_32;
        operands.source(index, base, ptx::size(declared) == 4 ? Type::u32 : Type::u64);
        // In a device function, parameters are in its frame in local memory.
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

}  // namespace softgpu
