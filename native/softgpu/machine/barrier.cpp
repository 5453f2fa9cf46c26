#include "machine/barrier.h"

#include <algorithm>

#include "base/hex.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "ptx/source.h"

namespace softgpu {

namespace {

// The barrier operands of a group of lanes.
uint32_t operand(const Warp &w, Slot slot, int lane) {
    return slot == NO_SLOT ? 0 : w.lanes<uint32_t>(slot)[lane];
}

std::string where(const Program &program, const Instr &i) {
    const std::string source = ptx::source_of(program.source, i.source);
    return (source.empty() ? "" : source + ", ") + "PTX line " + std::to_string(i.line);
}

std::string some_threads(const Block &block, const Warp &w, uint32_t mask) {
    const int count = __builtin_popcount(mask);
    const uint32_t first = w.index * LANES + static_cast<uint32_t>(__builtin_ctz(mask));
    return count == 1 ? "thread " + thread_name(*block.grid, first)
                      : std::to_string(count) + " threads of warp " + std::to_string(w.index) + ", the first of them " +
                            thread_name(*block.grid, first) + ",";
}

// The number of threads that `mask` counts for at a barrier with a thread count. Such barriers count whole warps, so
// the first lane of a partial last warp also counts for the missing lanes.
uint32_t arrivals(const Block &block, const Warp &w, uint32_t mask) {
    const uint32_t missing = w.index + 1 < block.grid->warps_per_block ? 0 : w.index * LANES + LANES - block.grid->threads_per_block;
    return static_cast<uint32_t>(__builtin_popcount(mask)) + (mask & 1 ? missing : 0);
}

// All lanes of a warp must reach an aligned barrier together, at the same instruction.
void require_aligned(const Block &block, const Warp &w, uint32_t id) {
    const Instr *code = block.grid->program.code.data();
    const Group *first = nullptr;
    uint32_t here = 0;
    for (const Group &g : w.groups) {
        if (g.wait != Group::Wait::barrier || g.barrier != id) continue;
        here |= g.mask;
        if (!first) {
            first = &g;
        } else if (code[g.pc].flags & ALIGNED) {
            throw Fault{Check::barrier, __builtin_ctz(g.mask), "barrier " + std::to_string(id) + " in divergent code: " +
                        some_threads(block, w, g.mask) + " came here, but " + some_threads(block, w, first->mask) +
                        " came to the barrier at " + where(block.grid->program, code[first->pc]), CUDA_ERROR_LAUNCH_FAILED};
        }
    }
    if (first && (code[first->pc].flags & ALIGNED) && (w.live & ~here))
        throw Fault{Check::barrier, __builtin_ctz(w.live & ~here), "barrier " + std::to_string(id) +
                    " in divergent code: " + some_threads(block, w, here) + " came here, but " +
                    some_threads(block, w, w.live & ~here) + " of the same warp did not", CUDA_ERROR_LAUNCH_FAILED};
}

// Releases all lanes that wait at barrier `id`, if all expected threads have arrived.
void complete(Block &block, uint32_t id, bool exited_count) {
    Block::Barrier &barrier = block.barriers[id];
    const Instr *code = block.grid->program.code.data();
    uint32_t waiting = 0, counted = 0, truths = 0;
    for (const Warp &w : block.warps)
        for (const Group &g : w.groups)
            if (g.wait == Group::Wait::barrier && g.barrier == id) {
                waiting += static_cast<uint32_t>(__builtin_popcount(g.mask));
                counted += arrivals(block, w, g.mask);
                const Instr &i = code[g.pc];
                if ((i.flags & KIND) >= POPC) truths += static_cast<uint32_t>(__builtin_popcount(w.predicate(i.op[3]) & g.mask));
            }
    const uint32_t expected = barrier.expected ? barrier.expected
                              : block.grid->threads_per_block - (exited_count ? block.exited : 0);
    if (waiting == 0 || (barrier.expected ? counted : waiting) + barrier.arrived < expected) return;

    if (block.grid->settings.on(Check::barrier))
        for (const Warp &w : block.warps) require_aligned(block, w, id);
    std::vector<uint32_t> clock = std::move(barrier.clock);
    auto takes_part = [id](const Group &g) { return g.wait == Group::Wait::barrier && g.barrier == id; };
    for (const Warp &w : block.warps)
        if (std::any_of(w.groups.begin(), w.groups.end(), takes_part)) join_clocks(clock, w.clock);
    for (Warp &w : block.warps) {
        std::vector<Group> released;
        for (const Group &g : w.groups)
            if (takes_part(g)) released.push_back(g);
        if (released.empty()) continue;
        std::erase_if(w.groups, takes_part);
        join_clocks(w.clock, clock);
        ++w.clock[w.index];
        for (const Group &g : released) {
            const Instr &i = code[g.pc];
            w.active = g.mask;
            switch (i.flags & KIND) {
            case POPC: for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int) { return truths; }); break;
            case AND: w.set_predicate(i.op[0], truths == waiting ? FULL : 0); break;
            case OR: w.set_predicate(i.op[0], truths ? FULL : 0); break;
            default: break;
            }
            if (w.undefined) define_results(w, i, g.mask);
            make_ready(w, g.pc + 1, g.mask);
        }
    }
    barrier = Block::Barrier();
}

}  // namespace

uint32_t arrive(Block &block, Warp &w, uint32_t pc, uint32_t mask) {
    const Instr &i = block.grid->program.code[pc];
    if ((i.flags & KIND) == CLUSTER_WAIT) return wait_for_cluster(w, pc, mask);
    uint32_t free = 0;
    while (mask) {
        const int first = __builtin_ctz(mask);
        const uint32_t id = operand(w, i.op[1], first), count = operand(w, i.op[2], first);
        uint32_t same = 0;
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            if (operand(w, i.op[1], l) == id && operand(w, i.op[2], l) == count) same |= 1u << l;
        }
        mask &= ~same;
        if (id >= 16)
            throw Fault{Check::illegal_instruction, first, "there are 16 barriers, and this one is number " +
                        std::to_string(id), CUDA_ERROR_ILLEGAL_INSTRUCTION};
        if (i.op[2] != NO_SLOT && (count == 0 || count % LANES))
            throw Fault{Check::illegal_instruction, first, "the thread count of a barrier must be a multiple of 32, not " +
                        std::to_string(count), CUDA_ERROR_ILLEGAL_INSTRUCTION};
        Block::Barrier &barrier = block.barriers[id];
        if (i.op[2] != NO_SLOT) barrier.expected = count;
        if ((i.flags & KIND) == ARRIVE) {
            barrier.arrived += arrivals(block, w, same);
            join_clocks(barrier.clock, w.clock);
            ++w.clock[w.index];
            free |= same;
        } else {
            bool joined = false;
            for (Group &g : w.groups)
                if (g.wait == Group::Wait::barrier && g.pc == pc && g.barrier == id) {
                    g.mask |= same;
                    joined = true;
                }
            if (!joined) w.groups.push_back({pc, same, Group::Wait::barrier, 0, id});
        }
        complete(block, id, false);
    }
    return free;
}

bool settle(Block &block, const Warp *&warp, uint32_t &at) {
    const Instr *code = block.grid->program.code.data();
    const bool strict = block.grid->settings.on(Check::barrier);
    for (Warp &w : block.warps)
        for (const Group &g : w.groups) {
            if (g.wait != Group::Wait::barrier) continue;
            if (!strict || block.barriers[g.barrier].expected) {
                const uint32_t id = g.barrier;
                complete(block, id, true);
                // A barrier has completed and changed the groups: the block can continue.
                if (block.barriers[id].arrived == 0 && std::any_of(block.warps.begin(), block.warps.end(), [](const Warp &v) {
                        return std::any_of(v.groups.begin(), v.groups.end(),
                                           [](const Group &h) { return h.wait == Group::Wait::none; });
                    }))
                    return true;
            }
        }
    // Deadlock. First report lanes that wait for others of their warp: that is the most direct cause.
    for (const Warp &w : block.warps)
        for (const Group &g : w.groups) {
            if (g.wait != Group::Wait::converge) continue;
            warp = &w;
            at = g.pc;
            const uint32_t missing = g.members & w.live & ~g.mask;
            std::string elsewhere;
            for (const Group &other : w.groups)
                if (&other != &g && (other.mask & missing))
                    elsewhere += "; " + some_threads(block, w, other.mask & missing) + " wait at " +
                                 where(block.grid->program, code[other.pc]);
            throw Fault{Check::warp_sync, __builtin_ctz(g.mask), some_threads(block, w, g.mask) + " wait here for threads " +
                        hex(missing) + " of their warp, which never come" + elsewhere, CUDA_ERROR_LAUNCH_TIMEOUT};
        }
    for (const Warp &w : block.warps)
        for (const Group &g : w.groups) {
            if (g.wait != Group::Wait::barrier) continue;
            warp = &w;
            at = g.pc;
            require_aligned(block, w, g.barrier);
            std::string others;
            for (const Warp &v : block.warps) {
                const uint32_t threads = std::min<uint32_t>(LANES, block.grid->threads_per_block - v.index * LANES);
                const uint32_t all = threads == LANES ? FULL : (1u << threads) - 1;
                if (const uint32_t gone = all & ~v.live; gone && others.empty())
                    others = some_threads(block, v, gone) + " exited without it";
                for (const Group &h : v.groups)
                    if (others.empty() && h.wait == Group::Wait::barrier && h.barrier != g.barrier)
                        others = some_threads(block, v, h.mask) + " wait at another, at " + where(block.grid->program, code[h.pc]);
            }
            if (others.empty()) others = "it expects more than there are";
            throw Fault{Check::barrier, __builtin_ctz(g.mask), "barrier " + std::to_string(g.barrier) +
                        " is not reached by all threads of the block: " + some_threads(block, w, g.mask) + " wait here, but " +
                        others, CUDA_ERROR_LAUNCH_FAILED};
        }
    return false;
}

}  // namespace softgpu
