// Clusters: blocks that run together, wait for each other, and access each other's shared memory. A block of a launch
// without clusters is a cluster of its own.
//
// A cluster runs on one host thread. An address of the shared memory of one of its blocks has the block's rank, plus 1,
// above its lowest 24 bits; plain addresses are those of the own block. The check for races does not see accesses to
// other blocks' shared memory.
#pragma once

#include <vector>

#include "machine/block.h"
#include "machine/races.h"

namespace softgpu {

struct Cluster {
    std::vector<Block *> blocks;        // by rank
};

constexpr uint32_t RANK_SHIFT = 24;     // of addresses
inline uint32_t rank_bits(uint64_t address) { return static_cast<uint32_t>(address >> RANK_SHIFT) & 0xff; }
inline uint64_t without_rank(uint64_t address) { return address & ~(uint64_t(0xff) << RANK_SHIFT); }

// The block whose shared memory is at the address of a lane. Throws if there is none, or it has ended.
Block &owner_of(const Warp &w, int lane, uint64_t address);

// As resolve() in memory.h, for shared addresses of which some have a rank.
void resolve_in_cluster(Warp &w, const Instr &i, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
                        std::byte **at, const StoredValues *stored, Unwritten *unwritten);

// Order between blocks of a cluster: what this warp has done comes before what another does that acquires it later.
void release_to_cluster(Warp &w);
void acquire_from_cluster(Warp &w);

// barrier.cluster.arrive: the lanes of w.active arrive.
void arrive_at_cluster(Warp &w, bool releases);
// barrier.cluster.wait. Returns the lanes that need not wait; the others are in a group that waits at CLUSTER_BARRIER.
constexpr uint32_t CLUSTER_BARRIER = 16;
uint32_t wait_for_cluster(Warp &w, uint32_t pc, uint32_t mask);
// Threads have exited: the barrier waits for the others only.
void threads_exited(Block &block);
// No block of the cluster can go on: throws what the threads of this one wait for at the cluster's barrier, if some do,
// after setting `at` and `warp` to them.
void require_cluster_barrier(const Block &block, const Warp *&warp, uint32_t &at);
bool waits_for_cluster(const Block &block);

}  // namespace softgpu
