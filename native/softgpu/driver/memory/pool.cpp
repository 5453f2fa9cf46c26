// Allocation in the order of a stream, and its pools. An address is valid at once: stream order matters only for its
// use. A pool keeps no memory: what is freed is free.
#include <algorithm>

#include "driver/memory/allocation.h"
#include "driver/stream/queue.h"

namespace softgpu {

namespace {

void require_device(const CUmemLocation &location) {
    require(location.type == CU_MEM_LOCATION_TYPE_DEVICE && location.id >= 0 && location.id < device_count());
}

Pool &default_pool() {
    Driver &driver = Driver::get();
    if (!driver.default_pool) driver.default_pool = driver.pools.add(std::make_shared<Pool>());
    return *driver.default_pool;
}

Pool &current_pool() {
    Pool *const chosen = Driver::get().current_pool;
    return chosen ? *chosen : default_pool();
}

uint64_t used(const Pool &pool) {
    uint64_t bytes = 0;
    for (const auto &[address, owned] : Driver::get().allocations)
        if (owned.pool == &pool) bytes += owned.bytes;
    return bytes;
}

CUdeviceptr allocate_from(Pool &pool, Context &context, CUstream handle, size_t bytes) {
    const auto stream = stream_of(context, handle);
    if (capturing(stream)) return capture_alloc(stream, bytes);
    const uint64_t before = used(pool);
    require(!pool.most_bytes || bytes <= pool.most_bytes - std::min(before, pool.most_bytes), CUDA_ERROR_OUT_OF_MEMORY);
    const uint64_t address = allocate(context, bytes, Arena::Kind::device);
    Driver::get().allocations[address].pool = &pool;
    pool.used_high = std::max(pool.used_high, before + bytes);
    return address;
}

template <class Body> CUresult pool_call(const char *name, CUmemoryPool handle, Body body) {
    return driver_call(name, [&](Driver &driver) { body(*object_of(driver.pools, handle)); });
}

CUresult find_pool(const char *name, CUmemoryPool *pool, CUdevice device, Pool &(*which)()) {
    return driver_call(name, [&](Driver &) {
        require(pool);
        require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE);
        *pool = &which();
    });
}

}  // namespace

extern "C" {

CU_API cuMemAllocAsync(CUdeviceptr *address, size_t bytes, CUstream stream) {
    return context_call(__func__, [&](Context &context) {
        require(address);
        *address = allocate_from(current_pool(), context, stream, bytes);
    }, Site::alloc);
}

CU_API cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t bytes, CUmemoryPool pool, CUstream stream) {
    return context_call(__func__, [&](Context &context) {
        require(address);
        *address = allocate_from(*object_of(Driver::get().pools, pool), context, stream, bytes);
    }, Site::alloc);
}

CU_API cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        if (capturing(stream)) return capture_free(stream, address);
        if (address == 0) return;
        auto &allocations = Driver::get().allocations;
        const auto at = allocations.find(address);
        if (at != allocations.end() && at->second.graph_memory) {
            enqueue(stream, forget(std::shared_ptr(at->second.graph_memory)));
            return;
        }
        require(at != allocations.end() && at->second.kind == Arena::Kind::device && !at->second.freeing);
        at->second.freeing = true;
        enqueue(stream, FreeWork{address});
    });
}

CU_API cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
    return find_pool(__func__, pool, device, default_pool);
}
CU_API cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
    return find_pool(__func__, pool, device, current_pool);
}

CU_API cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle) {
    return pool_call(__func__, handle, [&](Pool &pool) {
        require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE);
        Driver::get().current_pool = &pool;
    });
}

// Pools of device memory, which other processes cannot open.
CU_API cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *properties) {
    return driver_call(__func__, [&](Driver &driver) {
        require(pool && properties && properties->allocType == CU_MEM_ALLOCATION_TYPE_PINNED);
        require(properties->handleTypes == 0, CUDA_ERROR_NOT_SUPPORTED);
        require_device(properties->location);
        auto made = std::make_shared<Pool>();
        made->most_bytes = properties->maxSize;
        *pool = driver.pools.add(made);
    });
}

// What is allocated from it remains, until it is freed.
CU_API cuMemPoolDestroy(CUmemoryPool handle) {
    return pool_call(__func__, handle, [&](Pool &pool) {
        Driver &driver = Driver::get();
        require(&pool != driver.default_pool);
        if (driver.current_pool == &pool) driver.current_pool = nullptr;
        for (auto &[address, owned] : driver.allocations)
            if (owned.pool == &pool) owned.pool = nullptr;
        driver.pools.remove(handle);
    });
}

CU_API cuMemPoolTrimTo(CUmemoryPool handle, size_t) {
    return pool_call(__func__, handle, [](Pool &) {});
}

CU_API cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value) {
    return pool_call(__func__, handle, [&](Pool &pool) {
        require(value);
        switch (attribute) {
            case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
                pool.reuse[attribute - 1] = *static_cast<int *>(value);
                return;
            case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: pool.release_threshold = *static_cast<uint64_t *>(value); return;
            case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
            case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
                require(*static_cast<uint64_t *>(value) == 0);
                pool.used_high = used(pool);
                return;
            default: fail(CUDA_ERROR_INVALID_VALUE);
        }
    });
}

CU_API cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value) {
    return pool_call(__func__, handle, [&](Pool &pool) {
        require(value);
        switch (attribute) {
            case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
                *static_cast<int *>(value) = pool.reuse[attribute - 1];
                return;
            case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: *static_cast<uint64_t *>(value) = pool.release_threshold; return;
            case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
            case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: *static_cast<uint64_t *>(value) = used(pool); return;
            case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
            case CU_MEMPOOL_ATTR_USED_MEM_HIGH: *static_cast<uint64_t *>(value) = pool.used_high; return;
            default: fail(CUDA_ERROR_INVALID_VALUE);
        }
    });
}

// The only device can access all pools, and this cannot be taken from it.
CU_API cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *access, size_t count) {
    return pool_call(__func__, handle, [&](Pool &) {
        require(access || count == 0);
        for (size_t i = 0; i < count; ++i) {
            require_device(access[i].location);
            require(access[i].flags == CU_MEM_ACCESS_READWRITE);
        }
    });
}

CU_API cuMemPoolGetAccess(int *access, CUmemoryPool handle, const CUmemLocation *location) {
    return pool_call(__func__, handle, [&](Pool &) {
        require(access && location);
        require_device(*location);
        *access = CU_MEM_ACCESS_READWRITE;
    });
}

}  // extern "C"

}  // namespace softgpu
