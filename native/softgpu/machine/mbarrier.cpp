#include "machine/mbarrier.h"

#include <algorithm>
#include <cstring>

#include "base/hex.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"

namespace softgpu {

namespace {

constexpr uint32_t OBJECT_BYTES = 8;

[[noreturn]] void misuse(int lane, const std::string &what) {
    throw Fault{Check::barrier, lane, "mbarrier " + what, CUDA_ERROR_LAUNCH_FAILED};
}

void end_phase_if_complete(Mbarrier &barrier) {
    if (barrier.pending > 0 || barrier.bytes != 0) return;
    ++barrier.phase;
    barrier.pending = barrier.expected;
    barrier.completed = std::move(barrier.arrived);
    barrier.arrived.clear();
}

// The clocks are those of the warps of one block: what other blocks do is ordered as between any blocks.
void release(Warp &w, Mbarrier &barrier) {
    release_to_cluster(w);
    if (barrier.owner != w.block) return;
    join_clocks(barrier.arrived, w.clock);
    ++w.clock[w.index];
}

void deliver(Block &block, Mbarrier &barrier) {
    for (const Mbarrier::Copy &copy : barrier.copies) {
        std::memcpy(block.shared + copy.to, copy.data.data(), copy.data.size());
        barrier.bytes -= static_cast<int64_t>(copy.data.size());
        if (block.shadow.words.empty()) continue;
        for (size_t word = copy.to / 4; word < (copy.to + copy.data.size()) / 4; ++word) {
            SharedShadow::Word &x = block.shadow.words[word];
            x.write_bytes = 15;
            x.writer = static_cast<uint16_t>(copy.thread);
            x.write_time = copy.time;
        }
    }
    barrier.copies.clear();
}

}  // namespace

void require_own(const Warp &w, int lane, uint64_t address) {
    if (&owner_of(w, lane, address) != w.block)
        misuse(lane, "of another block of the cluster: only arrivals and counts of bytes may come from here");
}

Mbarrier &mbarrier_at(Warp &w, int lane, uint64_t address) {
    auto &all = owner_of(w, lane, address).mbarriers;
    const auto at = all.find(static_cast<uint32_t>(without_rank(address)));
    if (at == all.end())
        misuse(lane, "at shared address " + hex(without_rank(address)) +
                     ": none was initialised there, or it was invalidated");
    return at->second;
}

void initialize_mbarrier(Warp &w, int lane, uint64_t address, uint32_t count) {
    if (count == 0 || count > MOST_ARRIVALS)
        misuse(lane, "expects 1 to " + std::to_string(MOST_ARRIVALS) + " arrivals, not " + std::to_string(count));
    require_own(w, lane, address);
    Mbarrier barrier;
    barrier.owner = w.block;
    barrier.expected = barrier.pending = count;
    if (!w.block->mbarriers.emplace(static_cast<uint32_t>(without_rank(address)), std::move(barrier)).second)
        misuse(lane, "at shared address " + hex(address) + " is initialised again; mbarrier.inval must come between");
}

void invalidate_mbarrier(Warp &w, int lane, uint64_t address) {
    require_own(w, lane, address);
    if (!mbarrier_at(w, lane, address).copies.empty())
        misuse(lane, "at shared address " + hex(address) + " is invalidated while a bulk copy is under way");
    w.block->mbarriers.erase(static_cast<uint32_t>(without_rank(address)));
}

uint64_t arrive(Warp &w, int lane, Mbarrier &barrier, uint32_t count, bool drops, bool completes) {
    const uint64_t state = uint64_t(barrier.phase & 1) << 63 | barrier.pending;
    if (count == 0 || count > barrier.pending)
        misuse(lane, "gets " + std::to_string(count) + " arrivals, and expects " + std::to_string(barrier.pending) +
                     " more in this phase");
    if (drops) barrier.expected -= std::min(count, barrier.expected);
    barrier.pending -= count;
    if (!completes && barrier.pending == 0 && barrier.bytes == 0)
        misuse(lane, "completes its phase by an arrival with .noComplete");
    release(w, barrier);
    end_phase_if_complete(barrier);
    return state;
}

void expect_bytes(Warp &, int lane, Mbarrier &barrier, uint32_t bytes) {
    barrier.bytes += bytes;
    if (bytes > MOST_ARRIVALS || barrier.bytes > MOST_ARRIVALS)
        misuse(lane, "expects " + std::to_string(barrier.bytes)
            + " bytes at once; at most " + std::to_string(MOST_ARRIVALS) + " can be");
}

void complete_bytes(Warp &w, int, Mbarrier &barrier, uint32_t bytes) {
    barrier.bytes -= bytes;
    release(w, barrier);
    end_phase_if_complete(barrier);
}

bool has_ended(Warp &w, Mbarrier &barrier, uint32_t parity) {
    if (!barrier.copies.empty()) {
        deliver(*w.block, barrier);
        end_phase_if_complete(barrier);
    }
    if ((barrier.phase & 1) == (parity & 1)) return false;
    join_clocks(w.clock, barrier.completed);
    acquire_from_cluster(w);
    return true;
}

void check_opaque(const Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes) {
    const auto &all = w.block->mbarriers;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const auto next = all.lower_bound(address[l] + bytes);
        if (next != all.begin() && std::prev(next)->first + OBJECT_BYTES > address[l])
            misuse(l, "at shared address " + hex(std::prev(next)->first) + " is read or written as memory");
    }
}

}  // namespace softgpu
