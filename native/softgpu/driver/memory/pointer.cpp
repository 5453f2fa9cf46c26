// Queries about addresses.
#include "base/settings.h"
#include "driver/state/module.h"
#include "driver/state/call.h"
#include "driver/work/place.h"
#include "machine/registered.h"

namespace softgpu {

namespace {

// What the driver knows about an address; `context` is null if the driver does not own the memory.
struct Known {
    Context *context = nullptr;
    uint64_t start = 0, bytes = 0, number = 0;
    Place place = Place::pageable;
};

Context *owner_of(const Arena::Allocation &allocation) {
    const Driver &driver = Driver::get();
    if (const auto at = driver.allocations.find(allocation.address); at != driver.allocations.end())
        return at->second.context;
    for (const auto &[handle, module] : driver.modules.all())
        for (const auto &[name, variable] : module->variables)
            if (variable.address == allocation.address) return module->context;
    return nullptr;
}

Known known(uint64_t address) {
    Known k;
    k.place = place_of(address);
    RegisteredRange range;
    Arena::Allocation allocation;
    if (k.place == Place::registered) {
        find_registered(address, range);
        k.start = range.start;
        k.bytes = range.bytes;
        k.context = range.context;
    } else if (Arena::get().holds(address, 1) && Arena::get().find(address, allocation)) {
        k.start = allocation.address;
        k.bytes = allocation.bytes;
        k.number = allocation.number;
        k.context = owner_of(allocation);
    }
    return k;
}

template <class T> void put(void *to, T value) { *static_cast<T *>(to) = value; }

void attribute_of(const Known &k, CUpointer_attribute attribute, void *to, uint64_t address) {
    require(to);
    const bool host = k.place == Place::pinned || k.place == Place::registered;
    switch (attribute) {
        case CU_POINTER_ATTRIBUTE_CONTEXT: return put(to, k.context);
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: return put(to, host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE);
        case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: return put(to, address);
        case CU_POINTER_ATTRIBUTE_HOST_POINTER:
            require(host_can_access(k.place));
            return put(to, address);
        case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS: return put(to, 0);
        case CU_POINTER_ATTRIBUTE_BUFFER_ID: return put(to, k.number);
        case CU_POINTER_ATTRIBUTE_IS_MANAGED: return put(to, unsigned(k.place == Place::managed));
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: return put(to, 0);
        case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE: return put(to, 0);
        case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: return put(to, k.start);
        case CU_POINTER_ATTRIBUTE_RANGE_SIZE: return put<size_t>(to, k.bytes);
        case CU_POINTER_ATTRIBUTE_MAPPED: return put(to, 1);
        default: fail(CUDA_ERROR_NOT_SUPPORTED);
    }
}

}  // namespace

extern "C" {

CU_API cuMemGetAddressRange_v2(CUdeviceptr *start, size_t *bytes, CUdeviceptr address) {
    return context_call(__func__, [&](Context &) {
        const Known k = known(address);
        require(k.context, CUDA_ERROR_NOT_FOUND);
        if (start) *start = k.start;
        if (bytes) *bytes = k.bytes;
    });
}

CU_API cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address) {
    return context_call(__func__, [&](Context &) {
        const Known k = known(address);
        require(k.context);
        attribute_of(k, attribute, data, address);
    });
}

// An address that is unknown to the driver is not an error here: its attributes are null.
CU_API cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **data, CUdeviceptr address) {
    return context_call(__func__, [&](Context &) {
        require(count > 0 && attributes && data);
        const Known k = known(address);
        for (unsigned i = 0; i < count; ++i) {
            require(data[i]);
            const bool pointer = attributes[i] <= CU_POINTER_ATTRIBUTE_HOST_POINTER &&
                                 attributes[i] != CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
            const bool no_host = attributes[i] == CU_POINTER_ATTRIBUTE_HOST_POINTER && !host_can_access(k.place);
            if (k.context && !no_host) attribute_of(k, attributes[i], data[i], address);
            else if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) put(data[i], -2);    // invalid device
            else if (pointer) put<uint64_t>(data[i], 0);
            else put(data[i], 0);
        }
    });
}

// CU_POINTER_ATTRIBUTE_SYNC_MEMOPS changes nothing: synchronous operations always synchronise here.
CU_API cuPointerSetAttribute(const void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    return context_call(__func__, [&](Context &) {
        require(value && attribute == CU_POINTER_ATTRIBUTE_SYNC_MEMOPS && known(address).context);
    });
}

}  // extern "C"

}  // namespace softgpu
