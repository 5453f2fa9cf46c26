#include "machine/sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "machine/arena.h"

namespace softgpu {

BlockChoice::BlockChoice(uint64_t blocks, int most) : blocks_(blocks) {
    if (most <= 0 || blocks <= static_cast<uint64_t>(most)) return;
    chosen_ = {0, blocks - 1};
    // Where in its stretch a block is chosen differs from stretch to stretch: blocks that repeat in the grid's rows
    // must not all be from one column. Multiples of the golden ratio are spread evenly.
    const uint64_t inner = static_cast<uint64_t>(most) - 2;
    for (uint64_t k = 0; k < inner; ++k) {
        const uint64_t begin = k * (blocks - 2) / inner, end = (k + 1) * (blocks - 2) / inner;
        const double within = std::fmod(0.5 + static_cast<double>(k) * 0.6180339887498949, 1);
        chosen_.push_back(1 + begin + static_cast<uint64_t>(within * static_cast<double>(end - begin)));
    }
}

void BlockChoice::scale(std::vector<LineCounters> &inner, const std::vector<LineCounters> &edges) const {
    if (!is_sampled()) return;
    for (size_t at = 0; at < inner.size(); ++at) {
        inner[at].scale(blocks_ - 2, chosen_.size() - 2);
        inner[at] += edges[at];
    }
}

// A sector that several samples touch is taken for one that all blocks touch, such as those of weights, and one that
// only one sample touches for its block's own. Neighbours may share sectors, too, which blocks that are far from each
// other do not show: so never more than `most`.
uint64_t BlockChoice::sectors(const SectorCounts &counts, uint64_t most) const {
    if (!is_sampled()) return counts.distinct;
    const double samples = static_cast<double>(chosen_.size() - 2), distinct = static_cast<double>(counts.distinct);
    double sum = 0;
    for (size_t s = 2; s < chosen_.size(); ++s) sum += static_cast<double>(counts.of_sample[s]);
    const double shared = (sum - distinct) / (samples - 1), own = (distinct - shared) / samples;
    double all = shared + own * static_cast<double>(blocks_ - 2);
    for (int edge = 0; edge < 2; ++edge) all += std::max(0.0, static_cast<double>(counts.of_sample[edge]) - shared);
    return std::min(static_cast<uint64_t>(std::llround(all)), most);
}

namespace {

bool is_of(const Instr &i, Extent of) {
    if (of == Extent::held) return !i.streams;
    return i.cls == Class::atomic || (i.cls == Class::store_global) == (of == Extent::written);
}

}  // namespace

uint64_t extent(const Program &program, const std::vector<LineCounters> &lines, Extent of) {
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    for (size_t at = 0; at < lines.size(); ++at) {
        if (lines[at].first_sector > lines[at].last_sector) continue;
        if (is_of(program.code[at], of))
            ranges.push_back({lines[at].first_sector, lines[at].last_sector + 1});
    }
    std::sort(ranges.begin(), ranges.end());
    uint64_t all = 0, end = 0;
    for (const auto &[first, last] : ranges) {
        if (last > end) all += last - std::max(first, end);
        end = std::max(end, last);
    }
    return all;
}

namespace {

// What makes launches alike.
std::vector<uint8_t> key_of(const Launch &launch) {
    std::vector<uint8_t> key = launch.parameters;
    for (const Kernel::Parameter &p : launch.kernel->parameters)
        for (uint32_t at = (p.offset + 7) / 8 * 8; at + 8 <= p.offset + p.bytes; at += 8) {
            uint64_t value;
            std::memcpy(&value, &key[at], 8);
            if (!Arena::get().contains(value)) continue;
            value = 1;
            std::memcpy(&key[at], &value, 8);
        }
    const auto add = [&](const void *bytes, size_t count) {
        const auto *from = static_cast<const uint8_t *>(bytes);
        key.insert(key.end(), from, from + count);
    };
    add(launch.grid, sizeof launch.grid);
    add(launch.block, sizeof launch.block);
    add(&launch.dynamic_shared, sizeof launch.dynamic_shared);
    add(&launch.kernel->program->fingerprint, sizeof(uint64_t));
    add(launch.kernel->name.data(), launch.kernel->name.size());
    return key;
}

struct Kept {
    int launches = 0;
    LaunchCounts counts;        // of the last one
};

std::map<std::vector<uint8_t>, Kept> &kept = *new std::map<std::vector<uint8_t>, Kept>;     // one launch at a time

}  // namespace

const LaunchCounts *counted_before(const Launch &launch, int launches) {
    const auto found = kept.find(key_of(launch));
    return found != kept.end() && found->second.launches >= launches ? &found->second.counts : nullptr;
}

void keep_counts(const Launch &launch, LaunchCounts counts) {
    Kept &k = kept[key_of(launch)];
    ++k.launches;
    k.counts = std::move(counts);
}

void forget_counts() {
    kept.clear();
}

}  // namespace softgpu
