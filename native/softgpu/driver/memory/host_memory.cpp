// Registering host memory, and the device address of host memory.
#include "driver/stream/queue.h"
#include "driver/work/place.h"
#include "machine/registered.h"

namespace softgpu {

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
        require(register_range({&context, address, bytes}), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    }, Site::alloc);
}

CU_API cuMemHostUnregister(void *host) {
    return context_call(__func__, [&](Context &context) {
        refuse_unsafe_call();
        drain(context);
        require(unregister_range(reinterpret_cast<uint64_t>(host)), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
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
