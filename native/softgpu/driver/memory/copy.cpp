// Copies.
#include "driver/state/contexts.h"
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

// The bytes of a one-dimensional array from `offset` on, as a side of a copy.
struct ArraySide {
    CUarray array;
    size_t offset;
};

void set_source(CUDA_MEMCPY3D &p, ArraySide side) {
    p.srcMemoryType = CU_MEMORYTYPE_ARRAY;
    p.srcArray = side.array;
    p.srcXInBytes = side.offset;
}
void set_source(CUDA_MEMCPY3D &p, const void *host) {
    p.srcMemoryType = CU_MEMORYTYPE_HOST;
    p.srcHost = host;
}
void set_source(CUDA_MEMCPY3D &p, CUdeviceptr device) {
    p.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    p.srcDevice = device;
}
void set_target(CUDA_MEMCPY3D &p, ArraySide side) {
    p.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    p.dstArray = side.array;
    p.dstXInBytes = side.offset;
}
void set_target(CUDA_MEMCPY3D &p, void *host) {
    p.dstMemoryType = CU_MEMORYTYPE_HOST;
    p.dstHost = host;
}
void set_target(CUDA_MEMCPY3D &p, CUdeviceptr device) {
    p.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    p.dstDevice = device;
}

template <class To, class From>
CUresult array_copy(const char *name, CUstream stream, Wait wait, To to, From from, size_t bytes) {
    CUDA_MEMCPY3D p{};
    p.WidthInBytes = bytes;
    p.Height = p.Depth = 1;
    set_target(p, to);
    set_source(p, from);
    return copy_call(name, stream, wait, &p);
}

Side device(CUdeviceptr address) { return linear(address, true); }
Side host(const void *address) { return linear(reinterpret_cast<uint64_t>(address), false); }
// For cuMemcpy, which finds out whether an address belongs to the host or the device.
Side unified(CUdeviceptr address) { return linear(address, !host_can_access(place_of(address))); }

// Between contexts, of which all are on the one device.
CUresult peer_copy(const char *name, CUstream stream, Wait wait, CUdeviceptr to, CUcontext to_context, CUdeviceptr from,
                   CUcontext from_context, size_t bytes) {
    return context_call(name, [&](Context &context) {
        require(live_context(to_context) && live_context(from_context), CUDA_ERROR_INVALID_CONTEXT);
        submit_copy(context, stream, linear_copy(device(to), device(from), bytes), wait);
    }, Site::copy);
}

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

CU_API cuMemcpyPeer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t bytes) {
    return peer_copy(__func__, nullptr, Wait::always, to, to_context, from, from_context, bytes);
}
CU_API cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t bytes,
                         CUstream stream) {
    return peer_copy(__func__, stream, Wait::pageable, to, to_context, from, from_context, bytes);
}

CU_API cuMemcpyHtoA_v2(CUarray to, size_t offset, const void *from, size_t bytes) {
    return array_copy(__func__, nullptr, Wait::always, ArraySide{to, offset}, from, bytes);
}
CU_API cuMemcpyHtoAAsync_v2(CUarray to, size_t offset, const void *from, size_t bytes, CUstream stream) {
    return array_copy(__func__, stream, Wait::pageable, ArraySide{to, offset}, from, bytes);
}
CU_API cuMemcpyAtoH_v2(void *to, CUarray from, size_t offset, size_t bytes) {
    return array_copy(__func__, nullptr, Wait::always, to, ArraySide{from, offset}, bytes);
}
CU_API cuMemcpyAtoHAsync_v2(void *to, CUarray from, size_t offset, size_t bytes, CUstream stream) {
    return array_copy(__func__, stream, Wait::pageable, to, ArraySide{from, offset}, bytes);
}
CU_API cuMemcpyDtoA_v2(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) {
    return array_copy(__func__, nullptr, Wait::always, ArraySide{to, offset}, from, bytes);
}
CU_API cuMemcpyAtoD_v2(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) {
    return array_copy(__func__, nullptr, Wait::always, to, ArraySide{from, offset}, bytes);
}
CU_API cuMemcpyAtoA_v2(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t bytes) {
    return array_copy(__func__, nullptr, Wait::always, ArraySide{to, to_offset}, ArraySide{from, from_offset}, bytes);
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
