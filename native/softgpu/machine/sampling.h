// Sampling: of each launch only some blocks run, and what they count is scaled to the grid. For a model of time of
// launches that are too large to be run here.
//
// The first and the last block of a grid, its edges, stand for themselves. The blocks between them are represented by
// some of them, one from each of as many stretches of equal length. So a launch whose inner blocks do the same has
// exact counters, whatever its edges do. The same blocks are chosen every time. Nothing that a sampled launch writes
// means anything.
#pragma once

#include <cstdint>
#include <vector>

#include "machine/counters.h"
#include "machine/launch.h"
#include "machine/sectors.h"

namespace softgpu {

// The blocks of a launch that run.
class BlockChoice {
public:
    // Of a grid of `blocks`, at most `most`; 0: all of them.
    BlockChoice(uint64_t blocks, int most);

    uint64_t count() const { return chosen_.empty() ? blocks_ : chosen_.size(); }
    uint64_t block(uint64_t k) const { return chosen_.empty() ? k : chosen_[k]; }
    bool is_sampled() const { return !chosen_.empty(); }
    bool is_edge(uint64_t k) const { return is_sampled() && k < 2; }
    int sample(uint64_t k) const { return is_sampled() ? static_cast<int>(k) : 0; }

    // What the grid counts if its inner blocks and its edges count this.
    void scale(std::vector<LineCounters> &inner, const std::vector<LineCounters> &edges) const;
    // How many distinct sectors the grid touches; at most `most`.
    uint64_t sectors(const SectorCounts &counts, uint64_t most) const;

private:
    uint64_t blocks_;
    std::vector<uint64_t> chosen_;      // the first, the last, and those between, in order; empty: all
};

// The distinct sectors between the first and the last of each line that reads, that writes, or that does not stream.
enum class Extent { read, written, held };
uint64_t extent(const Program &program, const std::vector<LineCounters> &lines, Extent of);

// What a launch counted, for later launches that would do the same: of this kernel, grid, block and shared memory, and
// with the same arguments but for addresses of the device's memory. Null until there are `launches` of them.
const LaunchCounts *counted_before(const Launch &launch, int launches);
void keep_counts(const Launch &launch, LaunchCounts counts);
void forget_counts();

}  // namespace softgpu
