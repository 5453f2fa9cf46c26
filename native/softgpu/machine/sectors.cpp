#include "machine/sectors.h"

#include <atomic>

#include "machine/arena.h"

namespace softgpu {

namespace {

constexpr int WRITES = MOST_SAMPLES;    // the bits of reads come first
// The samples 0 and 1 of a sampled launch are its edges; the only one of another launch is 0 and no edge.
constexpr uint64_t INNER = (uint64_t(1) << MOST_SAMPLES) - 4, ALL = (uint64_t(1) << MOST_SAMPLES) - 1;

constexpr uint64_t HIGH = ~uint64_t(0) << 32;
uint64_t launch = 0;                    // in the upper half of a word; the lower half is 0

// Sets the bit of a sample.
void touch(SectorCounts &counts, std::atomic<uint64_t> &word, int sample, bool edge, int shift) {
    const uint64_t bit = uint64_t(1) << (shift + sample);
    uint64_t old = word.load(std::memory_order_relaxed), next;
    do {
        const uint64_t bits = old >> 32 == launch >> 32 ? old : launch;
        if (bits & bit) return;
        next = bits | bit;
    } while (!word.compare_exchange_weak(old, next, std::memory_order_relaxed));
    ++counts.of_sample[sample];
    const uint64_t others = (next & ~bit) >> shift & (sample ? INNER : ALL);
    if (!edge && !others) ++counts.distinct;
}

}  // namespace

void begin_sectors() {
    launch += uint64_t(1) << 32;
    if (launch) return;
    // The number has wrapped: old words would look like new ones.
    Arena::get().clear_sectors();
    launch = uint64_t(1) << 32;
}

void touch_sectors(TouchedSectors &touched, const uint64_t *sectors, uint32_t count, int sample, bool edge, bool reads,
                   bool writes) {
    const Arena &arena = Arena::get();
    static_assert(sizeof(std::atomic<uint64_t>) == 8);
    auto *const words = reinterpret_cast<std::atomic<uint64_t> *>(arena.sectors());
    const uint64_t first = arena.base() / 32, all = arena.size() / 32, now = launch;
    // What most sectors have already: a word of this launch with these bits.
    const uint64_t wanted = (reads ? uint64_t(1) << sample : 0) | (writes ? uint64_t(1) << (WRITES + sample) : 0);
    for (uint32_t s = 0; s < count; ++s) {
        const uint64_t at = sectors[s] - first;
        if (at >= all) continue;        // registered host memory
        if (((words[at].load(std::memory_order_relaxed) ^ now) & (HIGH | wanted)) == wanted) continue;
        if (reads) touch(touched.read, words[at], sample, edge, 0);
        if (writes) touch(touched.written, words[at], sample, edge, WRITES);
    }
}

}  // namespace softgpu
