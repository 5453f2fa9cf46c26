// The heap of malloc and free in kernels: of a context, which frees what is left.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace softgpu {

class Heap {
public:
    Heap() = default;
    Heap(const Heap &) = delete;
    Heap &operator=(const Heap &) = delete;
    ~Heap() { clear(); }

    // At least 16 bytes, 16-byte aligned; 0 if more than `limit` bytes would be allocated.
    uint64_t allocate(uint64_t bytes, uint64_t limit);
    // False if malloc did not return this address, or it was freed.
    bool free(uint64_t address);
    void clear();

private:
    std::mutex mutex_;
    std::unordered_map<uint64_t, uint64_t> live_;       // bytes by address
    uint64_t used_ = 0;
};

}  // namespace softgpu
