#include "machine/l1_cache.h"

#include <algorithm>

namespace softgpu {

namespace {

constexpr uint32_t LINE_SECTORS = 4, LINE_BYTES = 32 * LINE_SECTORS;

// The sizes to which shared memory is set, in KiB (CUDA C++ Programming Guide, "Shared Memory" of the architectures).
constexpr uint32_t CARVEOUTS[] = {0, 8, 16, 32, 64, 100, 132, 164, 196, 228};

}  // namespace

uint32_t L1Cache::bytes_of_block(const Limits &limits, uint32_t threads, uint32_t shared_bytes, int carveout) {
    const auto most = static_cast<uint32_t>(limits.shared_per_multiprocessor);
    const uint32_t block = shared_bytes + static_cast<uint32_t>(limits.reserved_shared_per_block);
    const uint32_t preferred = carveout < 0 ? most : (most * static_cast<uint64_t>(carveout) + 99) / 100;
    uint32_t shared = most;
    for (const uint32_t size : CARVEOUTS)
        if (size * 1024 >= std::max(preferred, block)) {
            shared = std::min(size * 1024, most);
            break;
        }
    const uint32_t blocks = std::max<uint32_t>(1, std::min({
        static_cast<uint32_t>(limits.max_blocks_per_multiprocessor),
        static_cast<uint32_t>(limits.max_threads_per_multiprocessor) / threads, shared / block}));
    return (static_cast<uint32_t>(limits.unified_bytes) - shared) / blocks;
}

void L1Cache::reset(uint32_t bytes) {
    lines_.resize(1);
    lines_[0] = {};
    found_.clear();
    room_ = bytes / LINE_BYTES;
}

uint32_t L1Cache::misses(const uint64_t *sectors, uint32_t count) {
    if (!room_) return count;
    uint32_t missing = 0;
    for (uint32_t s = 0; s < count; ++s) {
        Line &line = lines_[use(sectors[s] / LINE_SECTORS)];
        const uint32_t bit = 1u << sectors[s] % LINE_SECTORS;
        missing += !(line.sectors & bit);
        line.sectors |= bit;
    }
    return missing;
}

uint32_t L1Cache::use(uint64_t number) {
    const auto known = found_.find(number);
    uint32_t at;
    if (known != found_.end()) {
        at = known->second;
        unlink(at);
    } else {
        if (lines_.size() <= room_) {
            at = static_cast<uint32_t>(lines_.size());
            lines_.emplace_back();
        } else {
            at = lines_[0].newer;       // past the newest one the ring goes on with the oldest
            unlink(at);
            found_.erase(lines_[at].number);
        }
        lines_[at].number = number;
        lines_[at].sectors = 0;
        found_.emplace(number, at);
    }
    make_newest(at);
    return at;
}

void L1Cache::unlink(uint32_t line) {
    lines_[lines_[line].older].newer = lines_[line].newer;
    lines_[lines_[line].newer].older = lines_[line].older;
}

void L1Cache::make_newest(uint32_t line) {
    lines_[line].newer = 0;
    lines_[line].older = lines_[0].older;
    lines_[lines_[0].older].newer = line;
    lines_[0].older = line;
}

}  // namespace softgpu
