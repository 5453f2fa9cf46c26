// What blocks of a cluster do together: barrier.cluster, mapa and getctarank (PTX ISA).
#include "machine/cluster.h"

#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/barrier.h"
#include "machine/fault.h"
#include "program/decoding.h"
#include "program/location.h"
#include "program/target.h"

namespace softgpu {

namespace clusters {

using ptx::Operand;
using ptx::Type;

constexpr uint8_t RELAXED = 1;                          // of Instr::width
constexpr uint8_t GENERIC = 1;                          // of Instr::flags

void arrive(Warp &w, const Instr &i) { arrive_at_cluster(w, !(i.width & RELAXED)); }

// T: of the address. In a cluster of one block, an address stays as it is.
template <class T> void map_address(Warp &w, const Instr &i) {
    const T *a = w.lanes<T>(i.op[1]);
    const uint32_t *rank = w.lanes<uint32_t>(i.op[2]), blocks = w.block->grid->cluster_blocks;
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (rank[l] >= blocks)
            throw Fault{Check::bounds, l, "there is no block of rank " + std::to_string(rank[l]) + " in a cluster of " +
                        std::to_string(blocks), CUDA_ERROR_ILLEGAL_ADDRESS};
        if (i.flags & GENERIC && (a[l] & WINDOW_MASK) != SHARED_WINDOW)
            throw Fault{Check::bounds, l, "mapa of an address that is not one of shared memory",
                        CUDA_ERROR_ILLEGAL_ADDRESS};
    }
    for_lanes(w, w.lanes<T>(i.op[0]), [&](int l) {
        return blocks == 1 ? a[l] : static_cast<T>(without_rank(a[l]) | (rank[l] + 1) << RANK_SHIFT);
    });
}

template <class T> void rank_of(Warp &w, const Instr &i) {
    const T *a = w.lanes<T>(i.op[1]);
    const uint32_t own = w.block->rank;
    for_lanes(w, w.lanes<uint32_t>(i.op[0]), [=](int l) { return rank_bits(a[l]) ? rank_bits(a[l]) - 1 : own; });
}

// The address `operand` of `type`; of a variable, that in the space which the instruction names.
void address(const Operand &operand, Type type, bool generic, Operands &operands) {
    if (operand.kind != Operand::Kind::symbol) return operands.source(1, operand, type);
    const Location at = operands.locate(operand);
    if (at.space != ptx::Space::shared || at.base != Location::Base::absolute)
        operands.reject("the address of " + operand.name + " must be moved to a register first");
    Operand constant;
    constant.kind = Operand::Kind::integer;
    constant.integer = at.offset | (generic ? SHARED_WINDOW : 0);
    operands.source(1, constant, type);
}

void decode_barrier(Decoding &d) {
    const bool waits = d.need_one({"arrive", "wait"}) == 1;
    const int order = waits ? d.take_one({"acquire"}) : d.take_one({"release", "relaxed"});
    const bool aligned = d.take("aligned");
    d.expect(0);
    d.instr.cls = Class::barrier;
    if (waits) {
        d.instr.flow = Flow::barrier;
        d.instr.flags = CLUSTER_WAIT;
        d.finish(arrive);       // the runner does what the flags say
        return;
    }
    d.instr.width = order == 1 ? RELAXED : 0;
    if (aligned) {
        // The lanes of a warp come here together: they wait for each other, as at a shuffle of all.
        Operand all;
        all.kind = Operand::Kind::integer;
        all.integer = FULL;
        d.operands.source(4, all, Type::u32);
        d.instr.has_mask = true;
        d.instr.flow = Flow::converge;
        d.instr.cls = Class::warp;
    }
    d.finish(arrive);
}

void decode_address(Decoding &d, bool maps) {
    const bool generic = !d.take("shared::cluster");
    const Type type = d.take_type();
    if (type != Type::u32 && type != Type::u64) d.operands.reject("is for .u32 and .u64");
    if (generic && type != Type::u64) d.operands.reject("generic addresses have 64 bits");
    d.expect(maps ? 3 : 2);
    d.operands.result(0, d.in.operands[0], maps ? type : Type::u32);
    address(d.in.operands[1], type, generic, d.operands);
    if (maps) d.operands.source(2, d.in.operands[2], Type::u32);
    d.instr.flags = generic ? GENERIC : 0;
    d.instr.cls = Class::move;
    if (maps) {
        d.instr.decides = 1 << 1 | 1 << 2;
        d.finish(type == Type::u32 ? map_address<uint32_t> : map_address<uint64_t>);
    } else {
        d.finish(type == Type::u32 ? rank_of<uint32_t> : rank_of<uint64_t>);
    }
}

}  // namespace clusters

bool decode_cluster(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool barrier = in.opcode == "barrier" && in.has("cluster"), maps = in.opcode == "mapa";
    if (!barrier && !maps && in.opcode != "getctarank") return false;
    need_target(operands, 90);
    Decoding d(in, instr, operands);
    if (barrier) {
        d.take("cluster");
        clusters::decode_barrier(d);
    } else {
        clusters::decode_address(d, maps);
    }
    return true;
}

}  // namespace softgpu
