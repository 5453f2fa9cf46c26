#include "base/extent.h"
#include "driver/state/call.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"
#include "machine/arena.h"

namespace softgpu {

namespace {

uint64_t extent(const CUDA_MEMSET_NODE_PARAMS &fill) {
    return extent_of(fill.height, fill.pitch, product(fill.width, fill.elementSize));
}

template <class T> void fill_row(uint64_t address, T value, size_t count) {
    T *to = reinterpret_cast<T *>(address);
    for (size_t i = 0; i < count; ++i) to[i] = value;
}

}  // namespace

bool empty(const CUDA_MEMSET_NODE_PARAMS &fill) { return fill.width == 0 || fill.height == 0; }

void check(const CUDA_MEMSET_NODE_PARAMS &fill) {
    const unsigned size = fill.elementSize;
    require(size == 1 || size == 2 || size == 4);
    if (empty(fill)) return;
    require(fill.height == 1 || fill.pitch >= product(fill.width, size));
    require(fill.dst % size == 0 && (fill.height == 1 || fill.pitch % size == 0));
    require(accessible("destination", fill.dst, extent(fill), true));
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

}  // namespace softgpu
