// Copies.
#include "driver/stream/queue.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"

namespace softgpu {

namespace {

using Side = CopyWork::Side;

Side linear(uint64_t address, bool device) { return {address, 0, 0, device, false}; }

// How long the host waits: as CUDA documents for each kind of copy ("API synchronization behavior").
enum class Wait {
    always,         // a synchronous copy that has a host side
    // asynchronous: a pageable source is read, and a pageable destination is written, before the call returns
    pageable,
};

void submit_copy(Context &context, CUstream handle, CopyWork copy, Wait wait) {
    if (empty(copy)) return;
    check(copy);
    const auto stream = stream_of(context, handle);
    find_pageable(copy);
    const bool between_devices = copy.to.device && copy.from.device;
    const bool at_once = wait == Wait::always ? !between_devices : copy.to.pageable;
    if (wait == Wait::always) {
        refuse_capture(stream);
        refuse_unsafe_call();
    } else if (copy.from.pageable && !at_once && !capturing(stream)) {
        copy.staged = stage(copy);
    }
    if (submit(stream, std::move(copy)) && at_once) drain(stream);
}

CUresult copy_call(const char *name, CUstream stream, Wait wait, Side to, Side from, size_t bytes) {
    return context_call(name, [&](Context &context) {
        submit_copy(context, stream, linear_copy(to, from, bytes), wait);
    }, Site::copy);
}

CUresult copy_call(const char *name, CUstream stream, Wait wait, const CUDA_MEMCPY3D *parameters) {
    return context_call(name, [&](Context &context) {
        require(parameters);
        submit_copy(context, stream, copy_of(*parameters), wait);
    }, Site::copy);
}

CUresult copy_call(const char *name, CUstream stream, Wait wait, const CUDA_MEMCPY2D *p) {
    if (!p) return copy_call(name, stream, wait, static_cast<const CUDA_MEMCPY3D *>(nullptr));
    const CUDA_MEMCPY3D box{p->srcXInBytes, p->srcY, 0, 0, p->srcMemoryType, p->srcHost, p->srcDevice, p->srcArray,
                            nullptr, p->srcPitch, 0, p->dstXInBytes, p->dstY, 0, 0, p->dstMemoryType, p->dstHost,
                            p->dstDevice, p->dstArray, nullptr, p->dstPitch, 0, p->WidthInBytes, p->Height, 1};
    return copy_call(name, stream, wait, &box);
}

Side device(CUdeviceptr address) { return linear(address, true); }
Side host(const void *address) { return linear(reinterpret_cast<uint64_t>(address), false); }
// For cuMemcpy, which finds out whether an address belongs to the host or the device.
Side unified(CUdeviceptr address) { return linear(address, !host_can_access(place_of(address))); }

}  // namespace

extern "C" {

CU_API cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return copy_call(__func__, nullptr, Wait::always, unified(to), unified(from), bytes);
}
CU_API cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, unified(to), unified(from), bytes);
}
CU_API cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    return copy_call(__func__, nullptr, Wait::always, device(to), host(from), bytes);
}
CU_API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, device(to), host(from), bytes);
}
CU_API cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    return copy_call(__func__, nullptr, Wait::always, host(to), device(from), bytes);
}
CU_API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, host(to), device(from), bytes);
}
CU_API cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return copy_call(__func__, nullptr, Wait::always, device(to), device(from), bytes);
}
CU_API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, device(to), device(from), bytes);
}

CU_API cuMemcpy2D_v2(const CUDA_MEMCPY2D *parameters) {
    return copy_call(__func__, nullptr, Wait::always, parameters);
}
CU_API cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *parameters) {
    return copy_call(__func__, nullptr, Wait::always, parameters);
}
CU_API cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *parameters, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, parameters);
}
CU_API cuMemcpy3D_v2(const CUDA_MEMCPY3D *parameters) {
    return copy_call(__func__, nullptr, Wait::always, parameters);
}
CU_API cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *parameters, CUstream stream) {
    return copy_call(__func__, stream, Wait::pageable, parameters);
}

}  // extern "C"

}  // namespace softgpu
