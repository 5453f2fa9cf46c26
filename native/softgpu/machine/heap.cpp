#include "machine/heap.h"

#include <algorithm>

#include "machine/arena.h"

namespace softgpu {

uint64_t Heap::allocate(uint64_t bytes, uint64_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > limit || used_ > limit - bytes) return 0;
    const uint64_t address = Arena::get().allocate(std::max<uint64_t>(bytes, 16), Arena::Kind::heap);
    if (!address) return 0;
    live_[address] = bytes;
    used_ += bytes;
    return address;
}

bool Heap::free(uint64_t address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = live_.find(address);
    if (at == live_.end()) return false;
    used_ -= at->second;
    live_.erase(at);
    return Arena::get().free(address, Arena::Kind::heap);
}

void Heap::clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto &[address, bytes] : live_) Arena::get().free(address, Arena::Kind::heap);
    live_.clear();
    used_ = 0;
}

}  // namespace softgpu
