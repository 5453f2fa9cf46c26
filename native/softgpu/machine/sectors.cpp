#include "machine/sectors.h"

#include <atomic>

#include "machine/arena.h"

namespace softgpu {

namespace {

constexpr int WRITES = MOST_SAMPLES;    // the bits of reads come first
constexpr uint64_t SAMPLES = (uint64_t(1) << MOST_SAMPLES) - 1;
// The samples 0 and 1 of a sampled launch are its edges; the only one of another launch is 0 and no edge.
constexpr uint64_t INNER = SAMPLES - 3;
// Touched, and not streamed, by this launch; touched so and written so by the launch before.
constexpr uint64_t HELD = uint64_t(1) << 29, TOUCHED_BEFORE = uint64_t(1) << 30, WRITTEN_BEFORE = uint64_t(1) << 31;
static_assert(2 * MOST_SAMPLES <= 29);

constexpr uint64_t HIGH = ~uint64_t(0) << 32, ONE = uint64_t(1) << 32;
uint64_t launch = 0;                    // in the upper half of a word; the lower half is 0

// What a word that another launch touched is at the beginning of this one.
uint64_t renewed(uint64_t old) {
    if ((old & HIGH) + ONE != launch || !(old & HELD)) return launch;
    return launch | TOUCHED_BEFORE | (old & SAMPLES << WRITES ? WRITTEN_BEFORE : 0);
}

void add(SectorCounts &counts, int sample, bool first) {
    ++counts.of_sample[sample];
    counts.distinct += first;
}

// Whether no other sample has its bit among these.
bool is_first(uint64_t bits, int sample, bool edge) {
    return !edge && !(bits & ~(uint64_t(1) << sample) & (sample ? INNER : SAMPLES));
}

// Sets the bit of a sample.
void touch(TouchedSectors &touched, std::atomic<uint64_t> &word, int sample, bool edge, bool writes, bool streams) {
    const uint64_t bit = uint64_t(1) << (sample + (writes ? WRITES : 0));
    uint64_t old = word.load(std::memory_order_relaxed), next;
    do {
        const uint64_t bits = (old & HIGH) == launch ? old : renewed(old);
        if (bits & bit && (streams || bits & HELD)) return;
        next = bits | bit | (streams ? 0 : HELD);
    } while (!word.compare_exchange_weak(old, next, std::memory_order_relaxed));
    if ((old & HIGH) == launch && old & bit) return;
    const uint64_t reading = next & SAMPLES, writing = next >> WRITES & SAMPLES;
    const bool first = is_first(writes ? writing : reading, sample, edge);
    add(writes ? touched.written : touched.read, sample, first);
    if (next & (writes ? WRITTEN_BEFORE : TOUCHED_BEFORE))
        add(writes ? touched.rewritten : touched.reread, sample, first);
    // By this sample both ways: it is held once.
    const bool again = (writes ? reading : writing) >> sample & 1;
    if (!streams && !again) add(touched.held, sample, is_first(reading | writing, sample, edge));
}

}  // namespace

void begin_sectors() {
    launch += ONE;
    if (launch) return;
    // The number has wrapped: old words would look like new ones.
    Arena::get().clear_sectors();
    launch = ONE;
}

void touch_sectors(TouchedSectors &touched, const uint64_t *sectors, uint32_t count, int sample, bool edge, bool reads,
                   bool writes, bool streams) {
    const Arena &arena = Arena::get();
    static_assert(sizeof(std::atomic<uint64_t>) == 8);
    auto *const words = reinterpret_cast<std::atomic<uint64_t> *>(arena.sectors());
    const uint64_t first = arena.base() / 32, all = arena.size() / 32, now = launch;
    // What most sectors have already: a word of this launch with these bits.
    const uint64_t wanted = (reads ? uint64_t(1) << sample : 0) | (writes ? uint64_t(1) << (WRITES + sample) : 0) |
                            (streams ? 0 : HELD);
    for (uint32_t s = 0; s < count; ++s) {
        const uint64_t at = sectors[s] - first;
        if (at >= all) continue;        // registered host memory
        if (((words[at].load(std::memory_order_relaxed) ^ now) & (HIGH | wanted)) == wanted) continue;
        if (reads) touch(touched, words[at], sample, edge, false, streams);
        if (writes) touch(touched, words[at], sample, edge, true, streams);
    }
}

}  // namespace softgpu
