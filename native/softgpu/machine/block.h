// The state of a running block and of the launch it belongs to.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "machine/counters.h"
#include "machine/launch.h"
#include "machine/mbarrier.h"
#include "machine/races.h"
#include "machine/sampling.h"
#include "machine/l1_cache.h"
#include "machine/sectors.h"
#include "base/settings.h"
#include "machine/warp.h"

namespace softgpu {

// The address of the system's part of shared memory, far from the kernel's own, so that an access beyond that is none of
// the system's part.
constexpr uint32_t RESERVED_ADDRESS = 0x800000;
constexpr uint32_t RESERVED_SHARED = 1024;

// What all blocks of a launch share.
struct Grid {
    const Launch &launch;
    const Program &program;
    const Kernel &kernel;
    const Settings settings;            // as they were when the launch began
    Grid(const Launch &l, const Settings &s) : launch(l), program(*l.kernel->program), kernel(*l.kernel), settings(s) {}

    uint32_t threads_per_block = 0, warps_per_block = 0;
    uint64_t blocks = 0;
    uint32_t cluster_blocks = 1;        // of a cluster
    BlockChoice choice{0, 0};           // which of them run
    size_t host_threads = 0;            // that run them
    uint32_t shared_bytes = 0;          // static and dynamic, of a block
    uint32_t reserved_begin = 0;        // where the system's part of it lies, if the program asks for that
    uint32_t shared_end = 0;            // of all shared memory
    // Where a shared address lies.
    uint64_t shared_offset(uint64_t address) const {
        const bool reserved = program.uses_reserved_shared && address - RESERVED_ADDRESS < RESERVED_SHARED;
        return reserved ? address - RESERVED_ADDRESS + reserved_begin : address;
    }
    uint32_t local_bytes = 0;           // of a thread
    std::atomic<uint64_t> next{0};      // of the blocks, or clusters of several, that run
    std::atomic<bool> stopped{false};   // set by a fault: running blocks stop at their next turn
    BlockOrder order;                   // order between blocks (races.h)

    std::mutex mutex;                   // of what follows
    std::string fault_report;
    int error = 0;
};

struct Cluster;

struct Block {
    Grid *grid = nullptr;
    uint64_t index = 0;                 // linear
    uint32_t id[3] = {0, 0, 0};
    Cluster *cluster = nullptr;
    uint32_t rank = 0;                  // in it
    std::vector<uint32_t> cluster_arrivals, cluster_clock;  // joined clocks of warps at barrier.cluster: so far; of the
                                                            // phase before
    uint32_t exited = 0;                // threads

    std::vector<std::byte> registers;   // of all warps
    std::vector<uint32_t> predicates;
    std::vector<std::byte> local;
    std::vector<Warp> warps;

    std::byte *shared = nullptr;        // 16-byte aligned
    std::vector<std::byte> shared_store;
    SharedShadow shadow;                // shadow of its words (races.h)
    UnwrittenReads unwritten;           // undefined.h
    BlockClock clock;                   // order relative to other blocks

    struct Barrier {
        uint32_t arrived = 0;           // by bar.arrive, without waiting
        uint32_t expected = 0;          // 0: all threads
        std::vector<uint32_t> clock;    // joined clocks of the arrived warps
    };
    Barrier barriers[16];

    struct AsyncCopy {                  // pending cp.async: bytes are read at issue, written at the wait
        uint32_t thread, to;
        uint8_t bytes;
        uint32_t group;
        uint8_t data[16];
    };
    std::vector<AsyncCopy> copies;
    std::vector<uint32_t> copy_group;   // per thread: the current group of its copies
    std::map<uint32_t, Mbarrier> mbarriers;     // by shared address

    LineCounters *counters = nullptr;   // of each instruction, or null
    L1Cache l1;                         // used with counters=caches
    TouchedSectors touched;             // by this block and others of the launch
    int sample = 0;                     // its number among the blocks that run, if they are a sample (sampling.h)
    bool edge = false;                  // likewise
    std::vector<uint32_t> ran;          // of each instruction: lanes that ran it, in this block or one before
    uint64_t issued() const {           // warp instructions so far: %clock
        uint64_t all = 0;
        for (const Warp &w : warps) all += w.issued;
        return all;
    }
};

// Where a thread is in its block.
struct Position {
    uint32_t x, y, z;
};
Position position(const Grid &grid, uint32_t thread);
// Their coordinates, "(31,0,0)", of a thread of a block and of a block of the grid.
std::string thread_name(const Grid &grid, uint32_t thread);
std::string block_name(const Grid &grid, uint64_t index);

// Makes the lanes of `mask` ready at `pc`; they join the lanes that are already there.
void make_ready(Warp &w, uint32_t pc, uint32_t mask);

}  // namespace softgpu
