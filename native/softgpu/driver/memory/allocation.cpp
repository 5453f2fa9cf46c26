// Allocating and freeing: device, managed and pinned host memory.
#include "driver/memory/allocation.h"

#include <algorithm>

#include "base/hex.h"
#include "base/settings.h"
#include "driver/stream/queue.h"
#include "driver/work/place.h"
#include "machine/report.h"

namespace softgpu {

using Kind = Arena::Kind;

uint64_t allocate(Context &context, uint64_t bytes, Kind kind, unsigned flags) {
    require(bytes > 0);
    Arena &arena = Arena::get();
    const uint64_t limit = memory_limit();
    require(kind == Kind::pinned || (bytes <= limit && arena.used() <= limit - bytes), CUDA_ERROR_OUT_OF_MEMORY);
    const uint64_t address = arena.allocate(bytes, kind);
    require(address, CUDA_ERROR_OUT_OF_MEMORY);
    // Writes by the host cannot be observed, so its memory counts as written.
    if (kind == Kind::pinned || kind == Kind::managed) arena.mark_written(address, bytes);
    Driver::get().allocations[address] = {&context, kind, bytes, flags, false, nullptr};
    return address;
}

namespace {

constexpr uint64_t PITCH_ALIGNMENT = 512;

// Frees the allocation at `address`, after all work of its context, which may use it, is done.
void release(uint64_t address, bool device) {
    if (address == 0) return;
    Driver &driver = Driver::get();
    auto at = driver.allocations.find(address);
    if (at == driver.allocations.end() || (at->second.kind != Kind::pinned) != device) {
        if (settings().on(Check::bounds))
            report(std::string(current_call) + ": no allocation begins at " + hex(address) + "; it is " +
                   Arena::get().describe(address));
        fail(CUDA_ERROR_INVALID_VALUE);
    }
    drain(*at->second.context);
    at = driver.allocations.find(address);
    require(at != driver.allocations.end());
    at->second.give_back(address);
    driver.allocations.erase(at);
}

template <class Body> CUresult allocating_call(const char *name, const void *result, Body body) {
    return context_call(name, [&](Context &context) {
        require(result);
        refuse_unsafe_call();
        body(context);
    }, Site::alloc);
}

CUresult allocate_pinned(const char *name, void **host, size_t bytes, unsigned flags) {
    return allocating_call(name, host, [&](Context &context) {
        require(!(flags & ~(CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED)));
        *host = reinterpret_cast<void *>(allocate(context, bytes, Kind::pinned, flags));
    });
}

}  // namespace

extern "C" {

CU_API cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    return allocating_call(__func__, address, [&](Context &context) {
        *address = allocate(context, bytes, Kind::device);
    });
}

CU_API cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height, unsigned element) {
    return allocating_call(__func__, address && pitch ? address : nullptr, [&](Context &context) {
        require(width > 0 && height > 0 && (element == 4 || element == 8 || element == 16));
        const uint64_t row = (width + PITCH_ALIGNMENT - 1) / PITCH_ALIGNMENT * PITCH_ALIGNMENT;
        require(row >= width && row <= ~uint64_t(0) / height);
        *address = allocate(context, row * height, Kind::device);
        *pitch = row;
    });
}

CU_API cuMemAllocManaged(CUdeviceptr *address, size_t bytes, unsigned flags) {
    return allocating_call(__func__, address, [&](Context &context) {
        require(flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST);
        *address = allocate(context, bytes, Kind::managed);
    });
}

CU_API cuMemFree_v2(CUdeviceptr address) {
    return context_call(__func__, [&](Context &) {
        refuse_unsafe_call();
        release(address, true);
    });
}

CU_API cuMemAllocHost_v2(void **host, size_t bytes) { return allocate_pinned(__func__, host, bytes, 0); }
CU_API cuMemHostAlloc(void **host, size_t bytes, unsigned flags) {
    return allocate_pinned(__func__, host, bytes, flags);
}

CU_API cuMemFreeHost(void *host) {
    return context_call(__func__, [&](Context &) {
        refuse_unsafe_call();
        release(reinterpret_cast<uint64_t>(host), false);
    });
}

CU_API cuMemGetInfo_v2(size_t *available, size_t *total) {
    return context_call(__func__, [&](Context &) {
        require(available && total);
        *total = settings().memory_bytes;
        *available = memory_limit() - std::min(memory_limit(), Arena::get().used());
    });
}

}  // extern "C"

}  // namespace softgpu
