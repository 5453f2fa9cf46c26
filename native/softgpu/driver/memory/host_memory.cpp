// Host memory that kernels may access: registered ranges, and what the host's and the device's addresses of it are.
#include <shared_mutex>

#include "memory.h"
#include "queue.h"
#include "registered.h"

namespace softgpu {

namespace {

// Kernels ask while they run, without the driver's lock. Never destroyed, as the driver itself.
auto &mutex = *new std::shared_mutex;
auto &ranges = *new std::map<uint64_t, HostRange>;

bool overlaps(uint64_t address, uint64_t bytes) {
    const auto next = ranges.upper_bound(address);
    if (next != ranges.end() && next->first < address + bytes) return true;
    return next != ranges.begin() && address - std::prev(next)->first < std::prev(next)->second.bytes;
}

}  // namespace

uint64_t registered_range(uint64_t address, HostRange &found) {
    std::shared_lock lock(mutex);
    auto at = ranges.upper_bound(address);
    if (at == ranges.begin() || address - (--at)->first >= at->second.bytes) return 0;
    found = at->second;
    return at->first;
}

bool registered_host_range(uint64_t address, uint64_t bytes) {
    HostRange range;
    const uint64_t start = registered_range(address, range);
    return start && bytes <= range.bytes - (address - start);
}

void forget_registered(Context &context) {
    std::unique_lock lock(mutex);
    std::erase_if(ranges, [&](const auto &entry) { return entry.second.context == &context; });
}

extern "C" {

CU_API cuMemHostRegister_v2(void *host, size_t bytes, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        const auto address = reinterpret_cast<uint64_t>(host);
        require(host && bytes > 0 && address + bytes > address);
        require(!(flags &
                  ~(CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | CU_MEMHOSTREGISTER_READ_ONLY)));
        require(!(flags & CU_MEMHOSTREGISTER_READ_ONLY), CUDA_ERROR_NOT_SUPPORTED);
        refuse_unsafe_call();
        require(!Arena::get().contains(address), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
        std::unique_lock lock(mutex);
        require(!overlaps(address, bytes), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
        ranges[address] = {&context, bytes, flags};
    }, Site::alloc);
}

CU_API cuMemHostUnregister(void *host) {
    return context_call(__func__, [&](Context &context) {
        refuse_unsafe_call();
        drain(context);
        std::unique_lock lock(mutex);
        require(ranges.erase(reinterpret_cast<uint64_t>(host)), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
    });
}

CU_API cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *host, unsigned flags) {
    return context_call(__func__, [&](Context &) {
        require(address && flags == 0);
        const auto place = place_of(reinterpret_cast<uint64_t>(host));
        require(place == Place::pinned || place == Place::registered);
        *address = reinterpret_cast<CUdeviceptr>(host);
    });
}

CU_API cuMemHostGetFlags(unsigned *flags, void *host) {
    return context_call(__func__, [&](Context &) {
        require(flags);
        const auto &allocations = Driver::get().allocations;
        auto at = allocations.upper_bound(reinterpret_cast<uint64_t>(host));
        require(place_of(reinterpret_cast<uint64_t>(host)) == Place::pinned && at != allocations.begin());
        // With unified addressing all pinned memory is mapped.
        *flags = std::prev(at)->second.flags | CU_MEMHOSTALLOC_DEVICEMAP;
    });
}

}  // extern "C"

}  // namespace softgpu
