#include "machine/cluster.h"

#include <algorithm>

#include "base/hex.h"
#include "base/triple.h"
#include "machine/fault.h"
#include "machine/memory.h"

namespace softgpu {

namespace {

bool has_ended(const Block &block) {
    return std::ranges::none_of(block.warps, [](const Warp &w) { return w.live != 0; });
}

bool waits(const Group &g) { return g.wait == Group::Wait::barrier && g.barrier == CLUSTER_BARRIER; }

void acquire_barrier(Warp &w) {
    join_clocks(w.clock, w.block->cluster_clock);
    acquire_from_cluster(w);
}

// Ends a phase of the barrier if all threads of the cluster that have not exited have arrived.
void end_phase_if_all_arrived(Cluster &cluster) {
    bool any = false;
    for (const Block *block : cluster.blocks)
        for (const Warp &w : block->warps) {
            if (w.live & ~w.cluster_arrived) return;
            any |= w.cluster_arrived != 0;
        }
    if (!any) return;
    for (Block *block : cluster.blocks) {
        block->cluster_clock = std::move(block->cluster_arrivals);
        block->cluster_arrivals.clear();
        for (Warp &w : block->warps) {
            w.cluster_passes = w.cluster_arrived;
            w.cluster_arrived = 0;
            std::vector<Group> released;
            std::ranges::copy_if(w.groups, std::back_inserter(released), waits);
            if (released.empty()) continue;
            std::erase_if(w.groups, waits);
            acquire_barrier(w);
            for (const Group &g : released) {
                w.cluster_passes &= ~g.mask;
                make_ready(w, g.pc + 1, g.mask);
            }
        }
    }
}

// One lane's access to another block's shared memory.
std::byte *access_other(Block &owner, int lane, uint32_t address, uint32_t bytes, Access access) {
    const Grid &grid = *owner.grid;
    const std::string what = std::string(reads(access) ? "read" : "write") + " of " + std::to_string(bytes) +
                             " bytes at shared address " + hex(address) + " of block " + triple(owner.id);
    if (uint64_t(address) + bytes > grid.shared_bytes)
        throw Fault{Check::bounds, lane, "out of bounds: " + what + ", which has " + std::to_string(grid.shared_bytes) +
                    " bytes", CUDA_ERROR_ILLEGAL_ADDRESS};
    if (grid.settings.on(Check::alignment) && address % bytes)
        throw Fault{Check::alignment, lane, "misaligned " + what + ": not a multiple of " + std::to_string(bytes),
                    CUDA_ERROR_MISALIGNED_ADDRESS};
    for (uint32_t b = address; b < address + bytes && !owner.shadow.words.empty(); ++b) {
        uint8_t &written = owner.shadow.words[b / 4].written;
        if (reads(access) && grid.settings.on(Check::initialized) && !(written >> b % 4 & 1))
            throw Fault{Check::initialized, lane, "uninitialized " + what + ": nothing has written it",
                        CUDA_ERROR_LAUNCH_FAILED};
        if (writes(access)) written |= static_cast<uint8_t>(1u << b % 4);
    }
    return owner.shared + address;
}

}  // namespace

Block &owner_of(const Warp &w, int lane, uint64_t address) {
    Block &own = *w.block;
    const uint32_t rank = rank_bits(address);
    if (rank == 0 || rank - 1 == own.rank) return own;
    if (rank > own.cluster->blocks.size())
        throw Fault{Check::bounds, lane, "shared address " + hex(address) + " is of no block of the cluster",
                    CUDA_ERROR_ILLEGAL_ADDRESS};
    Block &owner = *own.cluster->blocks[rank - 1];
    if (has_ended(owner))
        throw Fault{Check::bounds, lane, "shared address " + hex(without_rank(address)) + " of block " +
                    triple(owner.id) + ", which has ended: its memory is gone", CUDA_ERROR_ILLEGAL_ADDRESS};
    return owner;
}

void resolve_in_cluster(Warp &w, const Instr &i, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
                        std::byte **at, const StoredValues *stored, Unwritten *unwritten) {
    uint64_t plain[LANES];
    uint32_t own = 0;
    for (int l = 0; l < LANES; ++l) plain[l] = without_rank(address[l]);
    for (uint32_t rest = mask; rest; rest &= rest - 1)
        if (const int l = __builtin_ctz(rest); &owner_of(w, l, address[l]) == w.block) own |= 1u << l;
    std::byte *places[LANES];
    if (own) resolve(w, i, ptx::Space::shared, plain, own, bytes, access, places, stored, unwritten);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        at[l] = own >> l & 1
                    ? places[l]
                    : access_other(owner_of(w, l, address[l]), l, static_cast<uint32_t>(plain[l]), bytes, access);
    }
}

void release_to_cluster(Warp &w) {
    if (w.block->cluster->blocks.size() == 1) return;
    fence(w, true);
    publish(w, false);
}

void acquire_from_cluster(Warp &w) {
    if (w.block->cluster->blocks.size() > 1) acquire(w, false);
}

void arrive_at_cluster(Warp &w, bool releases) {
    Block &block = *w.block;
    if (const uint32_t again = w.active & (w.cluster_arrived | w.cluster_passes))
        throw Fault{Check::barrier, __builtin_ctz(again), "barrier.cluster.arrive again, without barrier.cluster.wait",
                    CUDA_ERROR_LAUNCH_FAILED};
    w.cluster_arrived |= w.active;
    if (releases) {
        join_clocks(block.cluster_arrivals, w.clock);
        ++w.clock[w.index];
        release_to_cluster(w);
    }
    end_phase_if_all_arrived(*block.cluster);
}

uint32_t wait_for_cluster(Warp &w, uint32_t pc, uint32_t mask) {
    if (const uint32_t none = mask & ~(w.cluster_arrived | w.cluster_passes))
        throw Fault{Check::barrier, __builtin_ctz(none), "barrier.cluster.wait without barrier.cluster.arrive",
                    CUDA_ERROR_LAUNCH_FAILED};
    const uint32_t passes = mask & w.cluster_passes;
    if (passes) acquire_barrier(w);
    w.cluster_passes &= ~passes;
    if (mask & ~passes) w.groups.push_back({pc, mask & ~passes, Group::Wait::barrier, 0, CLUSTER_BARRIER});
    return passes;
}

void threads_exited(Block &block) { end_phase_if_all_arrived(*block.cluster); }

bool waits_for_cluster(const Block &block) {
    return std::ranges::any_of(block.warps, [](const Warp &w) { return std::ranges::any_of(w.groups, waits); });
}

void require_cluster_barrier(const Block &block, const Warp *&warp, uint32_t &at) {
    for (const Warp &w : block.warps)
        for (const Group &g : w.groups) {
            if (!waits(g)) continue;
            warp = &w;
            at = g.pc;
            std::string missing;
            for (const Block *other : block.cluster->blocks)
                for (const Warp &v : other->warps)
                    if (const uint32_t absent = v.live & ~v.cluster_arrived; absent && missing.empty()) {
                        const uint32_t thread = v.index * LANES + static_cast<uint32_t>(__builtin_ctz(absent));
                        missing = "thread " + thread_name(*other->grid, thread) + " of block " + triple(other->id);
                    }
            throw Fault{Check::barrier, __builtin_ctz(g.mask), "barrier.cluster is not reached by all threads of the "
                        "cluster: these wait here, but " + missing + " does not come", CUDA_ERROR_LAUNCH_FAILED};
        }
}

}  // namespace softgpu
