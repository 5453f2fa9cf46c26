// A model of the level 1 cache of a multiprocessor, for counting the sectors that come from level 2: lines of 128 bytes
// in 4 sectors, of which the least recently used one makes place. Only with the setting counters=caches.
//
// The cache is what shared memory leaves of the memory that both have together. Shared memory has the size that a
// kernel prefers (CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT), else the largest. As many blocks are taken to be
// resident as their threads and shared memory allow, each with an equal part of the cache; registers may allow fewer,
// and then each would have more.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/settings.h"

namespace softgpu {

class L1Cache {
public:
    // The bytes of a block's part. `carveout`: what the kernel prefers, in percent of the most shared memory; -1:
    // nothing.
    static uint32_t bytes_of_block(const Limits &limits, uint32_t threads, uint32_t shared_bytes, int carveout);

    // Begins a block: empty, with room for so many bytes.
    void reset(uint32_t bytes);
    // Reads sectors (addresses divided by 32). Returns how many of them were not there.
    uint32_t misses(const uint64_t *sectors, uint32_t count);

private:
    struct Line {
        uint64_t number;
        uint32_t sectors;           // a bit for each that is there
        uint32_t newer, older;      // in a ring by use
    };
    uint32_t use(uint64_t number);  // the index of a line, which becomes the newest one
    void unlink(uint32_t line);
    void make_newest(uint32_t line);

    std::vector<Line> lines_{1};    // lines_[0] is between the newest and the oldest one
    uint32_t room_ = 0;             // lines
    std::unordered_map<uint64_t, uint32_t> found_;
};

}  // namespace softgpu
