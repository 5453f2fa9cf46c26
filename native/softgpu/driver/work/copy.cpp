#include <algorithm>
#include <cstring>

#include "base/extent.h"
#include "driver/state/call.h"
#include "driver/state/image.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"
#include "machine/arena.h"

namespace softgpu {

namespace {

using Side = CopyWork::Side;

uint64_t extent(const CopyWork &copy, const Side &side) {
    return extent_of(copy.depth, side.slice, extent_of(copy.height, side.pitch, copy.width));
}

// Calls `body` with the offset of each row from the first row.
template <class Body> void for_rows(const CopyWork &copy, Body body) {
    for (uint64_t z = 0; z < copy.depth; ++z)
        for (uint64_t y = 0; y < copy.height; ++y)
            body(z * copy.to.slice + y * copy.to.pitch, z * copy.from.slice + y * copy.from.pitch,
                 (z * copy.height + y) * copy.width);
}

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

Side side_of(CUarray handle, size_t x, size_t y, size_t z, const CUDA_MEMCPY3D &p) {
    const Image &image = object_of(Driver::get().arrays, handle)->image;
    const auto inside = [](size_t at, size_t count, size_t size) { return at <= size && count <= size - at; };
    require(inside(x, p.WidthInBytes, image.pitch) && inside(y, p.Height, std::max(image.height, 1u)) &&
            inside(z, p.Depth, std::max(image.depth, 1u)));
    require(x % image.format.bytes() == 0 && p.WidthInBytes % image.format.bytes() == 0);
    return {image.address + z * image.slice + y * image.pitch + x, image.pitch, image.slice, true, false};
}

Side side_of(CUmemorytype type, const void *host, CUdeviceptr device, CUarray array, size_t x, size_t y, size_t z,
             size_t pitch, size_t height, const CUDA_MEMCPY3D &p) {
    if (type == CU_MEMORYTYPE_ARRAY) return side_of(array, x, y, z, p);
    require(type == CU_MEMORYTYPE_HOST || type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED);
    const uint64_t start = type == CU_MEMORYTYPE_HOST ? reinterpret_cast<uint64_t>(host) : device;
    // A pitch of 0 means rows without gaps; it is allowed if there is only one row.
    require(pitch == 0 ? p.Height <= 1 && p.Depth <= 1 : pitch >= sum(x, p.WidthInBytes));
    require(p.Depth <= 1 || height >= p.Height);
    const bool on_device = type == CU_MEMORYTYPE_DEVICE ||
                           (type == CU_MEMORYTYPE_UNIFIED && place_of(device) != Place::pageable);
    const uint64_t rows = sum(product(z, height), y), first = sum(start, sum(product(rows, pitch), x));
    require(first != UINT64_MAX);
    return {first, pitch, product(pitch, height), on_device, false};
}

void check(const char *what, const Side &side, uint64_t bytes) {
    require(side.address != 0);
    if (side.device) {
        require(accessible(what, side.address, bytes, true));
        return;
    }
    const Place place = place_of(side.address);
    require(place != Place::device);
    // If the driver knows the memory (host or device), the whole range must be allocated.
    if (place != Place::pageable) require(accessible(what, side.address, bytes, true));
}

// Whether this is pageable host memory, which an asynchronous copy reads or writes before the call returns.
bool is_pageable(const Side &side) { return !side.device && place_of(side.address) == Place::pageable; }

}  // namespace

bool empty(const CopyWork &copy) { return copy.width == 0 || copy.height == 0 || copy.depth == 0; }

CopyWork linear_copy(Side to, Side from, uint64_t bytes) {
    CopyWork copy;
    copy.to = to;
    copy.from = from;
    copy.width = bytes;
    copy.parameters = parameters_of(copy);
    return copy;
}

CopyWork copy_of(const CUDA_MEMCPY3D &p) {
    require(p.srcLOD == 0 && p.dstLOD == 0);
    CopyWork copy;
    copy.parameters = p;
    copy.width = p.WidthInBytes;
    copy.height = p.Height;
    copy.depth = p.Depth;
    copy.from = side_of(p.srcMemoryType, p.srcHost, p.srcDevice, p.srcArray, p.srcXInBytes, p.srcY, p.srcZ, p.srcPitch,
                        p.srcHeight, p);
    copy.to = side_of(p.dstMemoryType, p.dstHost, p.dstDevice, p.dstArray, p.dstXInBytes, p.dstY, p.dstZ, p.dstPitch,
                      p.dstHeight, p);
    return copy;
}

void find_pageable(CopyWork &copy) {
    copy.to.pageable = is_pageable(copy.to);
    copy.from.pageable = is_pageable(copy.from);
}

std::shared_ptr<const std::vector<uint8_t>> stage(const CopyWork &copy) {
    auto bytes = std::make_shared<std::vector<uint8_t>>(copy.width * copy.height * copy.depth);
    for_rows(copy, [&](uint64_t, uint64_t from, uint64_t packed) {
        std::memcpy(bytes->data() + packed, reinterpret_cast<const void *>(copy.from.address + from), copy.width);
    });
    return bytes;
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
    // From device memory the initialised state of each word is copied, too. Host memory always counts as written.
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

}  // namespace softgpu
