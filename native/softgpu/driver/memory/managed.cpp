// Advice on managed memory, where it shall be, and which stream uses it. Host and device share all memory here, so the
// calls check their arguments and nothing else follows.
#include "driver/stream/queue.h"
#include "driver/work/place.h"

namespace softgpu {

namespace {

constexpr int CPU = -1;     // as a device
constexpr int LAST_ADVICE = 6;

void require_managed(CUdeviceptr address, size_t bytes) {
    Arena::Allocation allocation;
    require(bytes > 0 && place_of(address) == Place::managed && Arena::get().find(address, allocation));
    require(bytes <= allocation.address + allocation.bytes - address);
}

bool exists(CUdevice device) { return device == CPU || (device >= 0 && device < device_count()); }

bool exists(const CUmemLocation &location) {
    switch (location.type) {
        case CU_MEM_LOCATION_TYPE_DEVICE: return location.id >= 0 && location.id < device_count();
        case CU_MEM_LOCATION_TYPE_HOST:
        case CU_MEM_LOCATION_TYPE_HOST_NUMA:
        case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT: return true;
        default: return false;
    }
}

template <class Location>
CUresult prefetch(const char *name, CUdeviceptr address, size_t bytes, const Location &to, CUstream stream) {
    return context_call(name, [&](Context &context) {
        require(exists(to), CUDA_ERROR_INVALID_DEVICE);
        require_managed(address, bytes);
        require(!capturing(stream_of(context, stream)), CUDA_ERROR_NOT_SUPPORTED);
    });
}

template <class Location>
CUresult advise(const char *name, CUdeviceptr address, size_t bytes, int advice, const Location &about) {
    return context_call(name, [&](Context &) {
        require(advice >= 1 && advice <= LAST_ADVICE);
        const bool has_location = advice >= 3;      // not that it is mostly read
        require(!has_location || exists(about), CUDA_ERROR_INVALID_DEVICE);
        require_managed(address, bytes);
    });
}

}  // namespace

extern "C" {

CU_API cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) {
    return prefetch(__func__, address, bytes, device, stream);
}
CU_API cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation location, unsigned flags,
                             CUstream stream) {
    return flags ? CUDA_ERROR_INVALID_VALUE : prefetch(__func__, address, bytes, location, stream);
}

CU_API cuMemAdvise(CUdeviceptr address, size_t bytes, int advice, CUdevice device) {
    return advise(__func__, address, bytes, advice, device);
}
CU_API cuMemAdvise_v2(CUdeviceptr address, size_t bytes, int advice, CUmemLocation location) {
    return advise(__func__, address, bytes, advice, location);
}

CU_API cuStreamAttachMemAsync(CUstream handle, CUdeviceptr address, size_t bytes, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST || flags == CU_MEM_ATTACH_SINGLE);
        require(flags != CU_MEM_ATTACH_SINGLE || !stream->is_legacy());
        require(!capturing(stream), CUDA_ERROR_NOT_SUPPORTED);
        Arena::Allocation allocation;
        require(place_of(address) == Place::managed && Arena::get().find(address, allocation));
        require(address == allocation.address && (bytes == 0 || bytes == allocation.bytes));
    });
}

}  // extern "C"

}  // namespace softgpu
