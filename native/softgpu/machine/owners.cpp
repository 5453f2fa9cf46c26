#include "machine/owners.h"

#include <immintrin.h>

namespace softgpu {

using namespace stamps;

uint64_t stamps::launch = 0;

namespace {

constexpr uint64_t BUSY = 1, PARTED = 2;    // of SectorOwner::writer
constexpr uint32_t WORDS = 8;               // of a sector

bool parted(uint64_t writer) { return (writer & PARTED) && launch_of(writer) == stamps::launch; }

// Takes the sector: nobody else does until a writer is stored.
uint64_t take(SectorOwner &sector, bool alone) {
    if (alone) return sector.writer.load(std::memory_order_relaxed);
    uint64_t writer;
    while ((writer = sector.writer.exchange(BUSY, std::memory_order_acquire)) == BUSY) _mm_pause();
    return writer;
}

// Nibbles that have a bit of `bytes`, whole.
uint32_t words_of(uint32_t bytes) {
    bytes |= bytes >> 1 & 0x77777777;
    bytes |= bytes >> 2 & 0x33333333;
    return (bytes & 0x11111111) * 15;
}

void note_words(const SectorOwner &sector, uint64_t writer, WordOwner *words) {
    for (uint32_t k = 0; k < WORDS; ++k) {
        const uint64_t written = sector.written >> 4 * k & 15, many = sector.many >> 4 * k & 15 ? MANY : 0;
        words[k].writer.store(written ? writer | written : 0, std::memory_order_relaxed);
        uint64_t reader = 0;
        for (int r = 0; r < 2; ++r)
            if (const uint64_t read = sector.read[r] >> 4 * k & 15) reader = sector.reader[r] | many | read;
        words[k].reader.store(reader, std::memory_order_relaxed);
    }
}

// What the launches before did is of no interest.
uint64_t renewed(SectorOwner &sector, uint64_t writer) {
    for (int r = 0; r < 2; ++r)
        if (launch_of(sector.reader[r]) != stamps::launch) sector.read[r] = 0;
    if (launch_of(writer) == stamps::launch) return writer;
    sector.written = 0;
    return 0;
}

// Both note what touch() of races.cpp would note for each word, if there is room for that.
bool write(SectorOwner &sector, uint64_t &writer, uint64_t mine, uint32_t bytes) {
    if (sector.written && writer != mine &&
        !(same_block(writer, mine) && !(words_of(sector.written) & ~words_of(bytes))))
        return false;
    for (int r = 0; r < 2; ++r)
        if ((sector.read[r] & bytes) && (!same_block(sector.reader[r], mine) || (sector.many & bytes))) return false;
    writer = mine;
    sector.written |= bytes;
    return true;
}

bool read(SectorOwner &sector, uint64_t writer, uint64_t mine, uint32_t bytes) {
    if ((sector.written & bytes) && !same_block(writer, mine)) return false;
    const uint32_t words = words_of(bytes);
    uint32_t taken[2] = {};             // words that another block has read
    int own = -1;
    for (int r = 0; r < 2; ++r) {
        if (sector.read[r] && same_block(sector.reader[r], mine)) {
            if (!(bytes & ~sector.read[r])) return true;
            if (sector.reader[r] == mine) {
                own = r;
                continue;
            }
        }
        taken[r] = sector.read[r] & words;
        // Words must have been read as a whole, and by another block.
        if (taken[r] && (words_of(taken[r]) != taken[r] || same_block(sector.reader[r], mine))) return false;
    }
    for (int r = 0; r < 2 && own < 0; ++r)
        if (sector.read[r] == taken[r]) own = r;
    if (own < 0) return false;
    const uint32_t fresh = words & ~sector.read[0] & ~sector.read[1];
    sector.many = (sector.many & ~words_of(fresh)) | taken[0] | taken[1];
    for (int r = 0; r < 2; ++r) sector.read[r] &= ~taken[r];
    sector.reader[own] = mine;
    sector.read[own] |= bytes | taken[0] | taken[1];
    return true;
}

}  // namespace

bool is_parted(const SectorOwner &sector) { return parted(sector.writer.load(std::memory_order_acquire)); }

bool touch_sector(SectorOwner &sector, WordOwner *words, uint64_t mine, uint32_t bytes, bool writes, bool alone) {
    if (is_parted(sector)) return false;
    uint64_t writer = take(sector, alone);
    bool done = false;
    if (!parted(writer)) {
        writer = renewed(sector, writer);
        done = writes ? write(sector, writer, mine, bytes) : read(sector, writer, mine, bytes);
        if (!done) {
            note_words(sector, writer, words);
            writer = launch << 40 | PARTED;
        }
    }
    sector.writer.store(writer, std::memory_order_release);
    return done;
}

void part_sector(SectorOwner &sector, WordOwner *words, bool alone) {
    if (is_parted(sector)) return;
    const uint64_t writer = take(sector, alone);
    if (!parted(writer)) note_words(sector, renewed(sector, writer), words);
    sector.writer.store(launch << 40 | PARTED, std::memory_order_release);
}

}  // namespace softgpu
