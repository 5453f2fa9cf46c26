// The distinct 32-byte sectors of device memory that a launch reads and writes, and how many of these the launch before
// touched, or wrote: with a level 2 cache that holds all that two launches need, the others cross the bus of the
// device's memory. What is streamed (ld.cs, st.cs) does not need to be held.
//
// A word for each sector (arena.h) has the number of the launch that touched it last, whether the launch before that
// touched and wrote it, and a bit for each sample: which of the launch's sampled blocks read it, and which wrote it. A
// launch that is not sampled is one sample.
#pragma once

#include <cstdint>

namespace softgpu {

constexpr int FEWEST_SAMPLES = 4, MOST_SAMPLES = 14;     // blocks of a launch

// What the blocks of one host thread found first.
struct SectorCounts {
    uint64_t of_sample[MOST_SAMPLES] = {};      // distinct in each sample
    uint64_t distinct = 0;                      // in all samples but the edges (sampling.h)

    void operator+=(const SectorCounts &o) {
        for (int s = 0; s < MOST_SAMPLES; ++s) of_sample[s] += o.of_sample[s];
        distinct += o.distinct;
    }
};

struct TouchedSectors {
    SectorCounts read, written;
    SectorCounts reread, rewritten;     // of these, touched by the launch before; written by the launch before
    SectorCounts held;                  // read or written, and not streamed
    void operator+=(const TouchedSectors &o) {
        read += o.read;
        written += o.written;
        reread += o.reread;
        rewritten += o.rewritten;
        held += o.held;
    }
};

// Begins a launch: what the ones before touched no longer counts.
void begin_sectors();
// A sample touches sectors (addresses divided by 32); those that are not of the device do not count. `edge`: the sample
// does not count for SectorCounts::distinct.
void touch_sectors(TouchedSectors &touched, const uint64_t *sectors, uint32_t count, int sample, bool edge, bool reads,
                   bool writes, bool streams);

}  // namespace softgpu
