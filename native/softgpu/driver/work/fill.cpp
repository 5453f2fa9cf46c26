#include <cstring>

#include "memory.h"
#include "queue.h"
#include "transfer.h"

namespace softgpu {

namespace {

bool empty(const CUDA_MEMSET_NODE_PARAMS &fill) { return fill.width == 0 || fill.height == 0; }

uint64_t extent(const CUDA_MEMSET_NODE_PARAMS &fill) {
    return (fill.height - 1) * fill.pitch + fill.width * fill.elementSize;
}

template <class T> void fill_row(uint64_t address, T value, size_t count) {
    T *to = reinterpret_cast<T *>(address);
    for (size_t i = 0; i < count; ++i) to[i] = value;
}

void submit_fill(Context &context, CUstream handle, const CUDA_MEMSET_NODE_PARAMS &fill, bool synchronous) {
    if (empty(fill)) return;
    check(fill);
    const auto stream = stream_of(context, handle);
    if (synchronous) {
        refuse_capture(stream);
        refuse_unsafe_call();
    }
    // The host waits only where it could see the memory.
    const bool at_once = synchronous && host_can_access(place_of(fill.dst));
    if (submit(stream, FillWork{fill}) && at_once) drain(stream);
}

CUresult fill_call(const char *name, CUstream stream, bool synchronous, const CUDA_MEMSET_NODE_PARAMS &fill) {
    return context_call(name, [&](Context &context) { submit_fill(context, stream, fill, synchronous); }, Site::copy);
}

}  // namespace

void check(const CUDA_MEMSET_NODE_PARAMS &fill) {
    const unsigned size = fill.elementSize;
    require(size == 1 || size == 2 || size == 4);
    if (empty(fill)) return;
    require(fill.height == 1 || fill.pitch >= fill.width * size);
    require(fill.dst % size == 0 && (fill.height == 1 || fill.pitch % size == 0));
    require(accessible("destination", fill.dst, extent(fill)));
}

CUresult run(const FillWork &work) {
    const CUDA_MEMSET_NODE_PARAMS &fill = work.parameters;
    if (empty(fill)) return CUDA_SUCCESS;
    if (!accessible("destination", fill.dst, extent(fill))) return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (size_t y = 0; y < fill.height; ++y) {
        const uint64_t row = fill.dst + y * fill.pitch;
        if (fill.elementSize == 1) fill_row<uint8_t>(row, fill.value, fill.width);
        else if (fill.elementSize == 2) fill_row<uint16_t>(row, fill.value, fill.width);
        else fill_row<uint32_t>(row, fill.value, fill.width);
        if (Arena::get().contains(row)) Arena::get().mark_written(row, fill.width * fill.elementSize);
    }
    return CUDA_SUCCESS;
}

extern "C" {

CU_API cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
    return fill_call(__func__, nullptr, true, {to, 0, value, 1, count, 1});
}
CU_API cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
    return fill_call(__func__, nullptr, true, {to, 0, value, 2, count, 1});
}
CU_API cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    return fill_call(__func__, nullptr, true, {to, 0, value, 4, count, 1});
}
CU_API cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    return fill_call(__func__, stream, false, {to, 0, value, 1, count, 1});
}
CU_API cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
    return fill_call(__func__, stream, false, {to, 0, value, 2, count, 1});
}
CU_API cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    return fill_call(__func__, stream, false, {to, 0, value, 4, count, 1});
}
CU_API cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
    return fill_call(__func__, nullptr, true, {to, pitch, value, 1, width, height});
}
CU_API cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) {
    return fill_call(__func__, nullptr, true, {to, pitch, value, 2, width, height});
}
CU_API cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
    return fill_call(__func__, nullptr, true, {to, pitch, value, 4, width, height});
}
CU_API cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height,
                         CUstream stream) {
    return fill_call(__func__, stream, false, {to, pitch, value, 1, width, height});
}
CU_API cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height,
                          CUstream stream) {
    return fill_call(__func__, stream, false, {to, pitch, value, 2, width, height});
}
CU_API cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height, CUstream stream) {
    return fill_call(__func__, stream, false, {to, pitch, value, 4, width, height});
}

}  // extern "C"

}  // namespace softgpu
