#include <cstring>

#include "memory.h"
#include "queue.h"
#include "transfer.h"

namespace softgpu {

namespace {

using Side = CopyWork::Side;

uint64_t extent(const CopyWork &copy, const Side &side) {
    return (copy.depth - 1) * side.slice + (copy.height - 1) * side.pitch + copy.width;
}

bool empty(const CopyWork &copy) { return copy.width == 0 || copy.height == 0 || copy.depth == 0; }

// `body` gets the offset of each row from the first.
template <class Body> void for_rows(const CopyWork &copy, Body body) {
    for (uint64_t z = 0; z < copy.depth; ++z)
        for (uint64_t y = 0; y < copy.height; ++y)
            body(z * copy.to.slice + y * copy.to.pitch, z * copy.from.slice + y * copy.from.pitch,
                 (z * copy.height + y) * copy.width);
}

Side linear(uint64_t address, bool device) { return {address, 0, 0, device, false}; }

CUDA_MEMCPY3D parameters_of(const CopyWork &copy) {
    CUDA_MEMCPY3D p{};
    p.srcMemoryType = copy.from.device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    p.dstMemoryType = copy.to.device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    if (copy.from.device) p.srcDevice = copy.from.address;
    else p.srcHost = reinterpret_cast<const void *>(copy.from.address);
    if (copy.to.device) p.dstDevice = copy.to.address;
    else p.dstHost = reinterpret_cast<void *>(copy.to.address);
    p.WidthInBytes = copy.width;
    p.Height = p.Depth = 1;
    return p;
}

CopyWork linear_copy(Side to, Side from, uint64_t bytes) {
    CopyWork copy;
    copy.to = to;
    copy.from = from;
    copy.width = bytes;
    copy.parameters = parameters_of(copy);
    return copy;
}

Side side_of(CUmemorytype type, const void *host, CUdeviceptr device, size_t x, size_t y, size_t z, size_t pitch,
             size_t height, const CUDA_MEMCPY3D &p) {
    require(type == CU_MEMORYTYPE_HOST || type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED,
            type == CU_MEMORYTYPE_ARRAY ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE);
    const uint64_t start = type == CU_MEMORYTYPE_HOST ? reinterpret_cast<uint64_t>(host) : device;
    // A pitch of 0 stands for rows without gaps, where there is only one row to speak of.
    require(pitch == 0 ? p.Height <= 1 && p.Depth <= 1 : pitch >= x + p.WidthInBytes);
    require(p.Depth <= 1 || height >= p.Height);
    const bool on_device = type == CU_MEMORYTYPE_DEVICE ||
                           (type == CU_MEMORYTYPE_UNIFIED && place_of(device) != Place::pageable);
    return {start + (z * height + y) * pitch + x, pitch, pitch * height, on_device, false};
}

void check(const char *what, const Side &side, uint64_t bytes) {
    require(side.address != 0);
    if (side.device) {
        require(accessible(what, side.address, bytes));
        return;
    }
    const Place place = place_of(side.address);
    require(place != Place::device);
    // Of memory that the driver knows, host or not, all must be there.
    if (place != Place::pageable) require(accessible(what, side.address, bytes));
}

// Whether what the program does with host memory is only seen when the copy runs.
bool is_pageable(const Side &side) { return !side.device && place_of(side.address) == Place::pageable; }

std::shared_ptr<const std::vector<uint8_t>> stage(const CopyWork &copy) {
    auto bytes = std::make_shared<std::vector<uint8_t>>(copy.width * copy.height * copy.depth);
    for_rows(copy, [&](uint64_t, uint64_t from, uint64_t packed) {
        std::memcpy(bytes->data() + packed, reinterpret_cast<const void *>(copy.from.address + from), copy.width);
    });
    return bytes;
}

// How long the host waits: as CUDA says for each kind of copy ("API synchronization behavior").
enum class Wait {
    always,         // a synchronous copy that has a host side
    // an asynchronous one: its pageable source is taken, its pageable destination written before the call ends
    pageable,
};

void submit_copy(Context &context, CUstream handle, CopyWork copy, Wait wait) {
    if (empty(copy)) return;
    check(copy);
    const auto stream = stream_of(context, handle);
    copy.to.pageable = is_pageable(copy.to);
    copy.from.pageable = is_pageable(copy.from);
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
// Of the forms that find out themselves where an address lies.
Side unified(CUdeviceptr address) { return linear(address, !host_can_access(place_of(address))); }

}  // namespace

CopyWork copy_of(const CUDA_MEMCPY3D &p) {
    require(p.srcLOD == 0 && p.dstLOD == 0);
    CopyWork copy;
    copy.parameters = p;
    copy.width = p.WidthInBytes;
    copy.height = p.Height;
    copy.depth = p.Depth;
    copy.from = side_of(p.srcMemoryType, p.srcHost, p.srcDevice, p.srcXInBytes, p.srcY, p.srcZ, p.srcPitch,
                        p.srcHeight, p);
    copy.to = side_of(p.dstMemoryType, p.dstHost, p.dstDevice, p.dstXInBytes, p.dstY, p.dstZ, p.dstPitch, p.dstHeight,
                      p);
    return copy;
}

void check(const CopyWork &copy) {
    if (empty(copy)) return;
    check("destination", copy.to, extent(copy, copy.to));
    check("source", copy.from, extent(copy, copy.from));
}

CUresult run(const CopyWork &copy) {
    Arena &arena = Arena::get();
    const auto gone = [&](const char *what, const Side &side) {
        const bool ours = side.device || arena.contains(side.address);
        return ours && !accessible(what, side.address, extent(copy, side));
    };
    if (empty(copy)) return CUDA_SUCCESS;
    if (gone("destination", copy.to) || (!copy.staged && gone("source", copy.from))) return CUDA_ERROR_ILLEGAL_ADDRESS;
    // What is known of the words comes along from device memory; what the host can write counts as written in any case.
    const bool to_device = !host_can_access(place_of(copy.to.address));
    const bool with_state = to_device && !copy.staged && arena.contains(copy.from.address);
    for_rows(copy, [&](uint64_t to, uint64_t from, uint64_t packed) {
        const uint64_t source =
            copy.staged ? reinterpret_cast<uint64_t>(copy.staged->data() + packed) : copy.from.address + from;
        const uint64_t target = copy.to.address + to;
        std::memmove(reinterpret_cast<void *>(target), reinterpret_cast<const void *>(source), copy.width);
        if (with_state) arena.copy_state(target, source, copy.width);
        else if (to_device) arena.mark_written(target, copy.width);
    });
    return CUDA_SUCCESS;
}

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
