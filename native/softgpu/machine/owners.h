// Who last wrote and read the device's memory during a launch: for each sector as long as one answer will do for all of
// its bytes, else for each of its words.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace softgpu {

// A block at a time, as a number: launch (24 bits), block (24), epoch (11), MANY, and four bits that a stamp leaves to
// those who keep it. 0: none.
namespace stamps {

constexpr uint64_t MANY = 16;           // of a reader: blocks before read too; of a writer: its access was atomic
constexpr uint64_t LAUNCHES = (1 << 24) - 1, BLOCKS = (1 << 24) - 1, EPOCHS = (1 << 11) - 1;
extern uint64_t launch;                 // the present one

inline uint64_t stamp(uint64_t block, uint64_t epoch) {
    return launch << 40 | (block & BLOCKS) << 16 | std::min(epoch, EPOCHS) << 5;
}
inline uint64_t launch_of(uint64_t s) { return s >> 40; }
inline uint64_t block_of(uint64_t s) { return s >> 16 & BLOCKS; }
inline uint32_t epoch_of(uint64_t s) { return static_cast<uint32_t>(s >> 5 & EPOCHS); }
inline bool same_block(uint64_t a, uint64_t b) { return (a >> 16) == (b >> 16); }

}  // namespace stamps

// The last writer and the last reader of a word; the low bits tell which bytes.
struct WordOwner {
    std::atomic<uint64_t> writer, reader;
};

// Of a sector: one writer, and at most two readers, each of words of its own. Bytes have one bit each.
struct SectorOwner {
    std::atomic<uint64_t> writer;       // or that someone is at work here, or that the words have their own owners
    uint64_t reader[2];
    uint32_t written, read[2];
    uint32_t many;                      // of these words (four bits each), the reader is MANY
};
static_assert(sizeof(WordOwner) == 16 && sizeof(SectorOwner) == 40);

// Notes that the block `mine` reads or writes bytes of a sector, by plain accesses that race with none that are noted
// here. False, with nothing noted, if that is not sure or does not fit: then the sector's eight words have their own
// owners from now on. `alone`: no other host thread runs blocks.
bool touch_sector(SectorOwner &sector, WordOwner *words, uint64_t mine, uint32_t bytes, bool writes, bool alone);
// From now on the words have their own owners.
void part_sector(SectorOwner &sector, WordOwner *words, bool alone);
bool is_parted(const SectorOwner &sector);

}  // namespace softgpu
