#include "machine/registered.h"

#include <map>
#include <mutex>
#include <shared_mutex>

namespace softgpu {

namespace {

// Keyed by start address. Never destroyed: a kernel may run until the process ends.
auto &ranges_mutex = *new std::shared_mutex;
auto &ranges = *new std::map<uint64_t, RegisteredRange>;

bool overlaps(const RegisteredRange &range) {
    const auto next = ranges.upper_bound(range.start);
    if (next != ranges.end() && next->first < range.start + range.bytes) return true;
    return next != ranges.begin() && range.start - std::prev(next)->first < std::prev(next)->second.bytes;
}

}  // namespace

bool register_range(const RegisteredRange &range) {
    const std::unique_lock lock(ranges_mutex);
    if (overlaps(range)) return false;
    ranges[range.start] = range;
    return true;
}

bool unregister_range(uint64_t start) {
    const std::unique_lock lock(ranges_mutex);
    return ranges.erase(start) > 0;
}

void unregister_ranges_of(CUcontext context) {
    const std::unique_lock lock(ranges_mutex);
    std::erase_if(ranges, [&](const auto &entry) { return entry.second.context == context; });
}

bool find_registered(uint64_t address, RegisteredRange &found) {
    const std::shared_lock lock(ranges_mutex);
    auto at = ranges.upper_bound(address);
    if (at == ranges.begin() || address - (--at)->first >= at->second.bytes) return false;
    found = at->second;
    return true;
}

bool is_registered(uint64_t address, uint64_t bytes) {
    RegisteredRange range;
    return find_registered(address, range) && bytes <= range.bytes - (address - range.start);
}

}  // namespace softgpu
