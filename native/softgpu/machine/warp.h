// The state of a running warp, and what an instruction's exec function may touch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "machine/undefined.h"
#include "program/program.h"

namespace softgpu {

struct Block;

// Lanes of a warp at the same instruction, ready to run or waiting for others.
struct Group {
    enum class Wait : uint8_t { none, barrier, converge };
    uint32_t pc = 0;
    uint32_t mask = 0;
    Wait wait = Wait::none;
    uint32_t members = 0;       // converge: the lanes that must meet
    uint32_t barrier = 0;       // barrier: its number
};

// Where a lane continues when it returns from a device function.
struct Frame {
    uint32_t call;              // the call instruction
    uint32_t stack;             // the caller's Warp::stack
    std::vector<uint8_t> saved; // one lane's saved registers of a recursive function (see warp_runner.cpp)
    std::vector<Origin> origins;    // of these, if one is undefined
};

// Time of each warp of a block; what is before `other` is before `clock`, too.
inline void join_clocks(std::vector<uint32_t> &clock, const std::vector<uint32_t> &other) {
    clock.resize(std::max(clock.size(), other.size()));
    for (size_t v = 0; v < other.size(); ++v) clock[v] = std::max(clock[v], other[v]);
}

struct Warp {
    std::byte *base[2];         // [0] this warp's registers, [1] the program's constants: see Slot
    uint32_t *predicates;       // one bit a lane
    uint32_t active;            // the lanes that the current instruction runs for
    Block *block;
    uint32_t index;             // within the block
    uint32_t live;              // lanes that have not exited
    uint32_t carry;             // condition code CC.CF of add.cc etc., one bit per lane
    const uint32_t *slots;      // Program::slots of the running program
    std::unique_ptr<UndefinedValues> undefined;     // null while all values are defined

    std::byte *local;           // local memory of the 32 lanes, Block::local_bytes each
    uint32_t stack[LANES];      // where each lane's current frame begins in its local memory
    std::vector<Frame> frames[LANES];
    std::vector<Group> groups;  // of live lanes
    uint32_t turn;              // pc of the lanes that had the last fair turn (warp_runner.cpp)
    uint64_t issued;            // instructions so far
    std::vector<uint32_t> clock;    // vector clock over the warps of the block (races.h)
    bool fenced = false;            // a fence since the last release
    uint32_t cluster_arrived = 0, cluster_passes = 0;   // lanes that have arrived at barrier.cluster: in this phase; in
                                                        // the one before, and have not waited yet
    bool yields = false;            // waits for other lanes or warps by looking again: they get a turn

    // The 32 lanes of an operand.
    template <class T> T *lanes(Slot slot) const {
        return reinterpret_cast<T *>(base[slot & 1] + (slot & ~1u));
    }
    uint32_t predicate(Slot slot) const { return predicates[slot >> 1] ^ -(slot & 1); }
    // Writes the active lanes of a predicate.
    void set_predicate(Slot slot, uint32_t bits) {
        uint32_t &p = predicates[slot >> 1];
        p = (p & ~active) | (bits & active);
    }
};

// Results are written to active lanes only. The register allocator never gives a result the place of a source of the
// same instruction (unless the PTX names one register for both), so loops over lanes have no aliasing problem.
template <class D, class F> inline void for_lanes(const Warp &w, D *d, F f) {
    const uint32_t mask = w.active;
    if (mask == FULL) {
#pragma GCC ivdep
#pragma GCC unroll 1
        for (int l = 0; l < LANES; ++l) d[l] = f(l);
    } else {
#pragma GCC ivdep
#pragma GCC unroll 1
        for (int l = 0; l < LANES; ++l) d[l] = (mask >> l & 1) ? static_cast<D>(f(l)) : d[l];
    }
}

}  // namespace softgpu
