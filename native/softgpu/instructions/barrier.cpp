// Barriers of a block and of a warp, and fences (PTX ISA, "Parallel Synchronization and Communication Instructions").
#include "instructions/families.h"
#include "machine/barrier.h"
#include "machine/races.h"
#include "program/decoding.h"

namespace softgpu {

bool decode_barrier(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    using ptx::Type;
    if (in.opcode == "membar" || in.opcode == "fence") {
        instr.cls = Class::fence;
        // The asynchronous proxy sees memory as all others do.
        require_known(in, operands, {"cta", "gl", "gpu", "sys", "cluster", "sc", "acq_rel", "acquire", "release",
                                     "proxy", "alias", "async", "async::generic", "global", "shared::cta",
                                     "mbarrier_init"});
        if (in.has("cta") || in.has("proxy") || in.has("mbarrier_init"))
            instr.exec = [](Warp &w, const Instr &) { fence(w, false); };
        else
            instr.exec = [](Warp &w, const Instr &) { fence(w, true); };
        return true;
    }
    if (in.opcode != "bar" && in.opcode != "barrier") return false;
    require_known(in, operands, {"cta", "warp", "sync", "arrive", "red", "popc", "and", "or", "aligned"});
    instr.cls = Class::barrier;
    if (in.has("warp")) {
        instr.flow = Flow::converge;
        instr.has_mask = true;
        operands.source(4, in.operands.at(0), Type::u32);
        instr.exec = [](Warp &w, const Instr &) { warp_sync(w); };
        return true;
    }
    instr.flow = Flow::barrier;
    // bar is barrier.aligned.
    const uint8_t aligned = in.opcode == "bar" || in.has("aligned") ? ALIGNED : 0;
    const bool red = in.has("red");
    instr.flags = aligned | (in.has("arrive") ? ARRIVE : !red ? SYNC : in.has("popc") ? POPC : in.has("and") ? AND : OR);
    size_t next = 0;
    if (red) operands.result(0, in.operands.at(next++), in.has("popc") ? Type::u32 : Type::pred);
    operands.source(1, in.operands.at(next++), Type::u32);
    if (in.operands.size() > next + (red ? 1 : 0)) operands.source(2, in.operands.at(next++), Type::u32);
    if (red) operands.source(3, in.operands.at(next++), Type::pred);
    if (in.has("arrive") && in.operands.size() < 2) operands.reject("bar.arrive needs a thread count");
    return true;
}

}  // namespace softgpu
