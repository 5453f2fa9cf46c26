// Memsets.
#include "driver/stream/queue.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"

namespace softgpu {

namespace {

void submit_fill(Context &context, CUstream handle, const CUDA_MEMSET_NODE_PARAMS &fill, bool synchronous) {
    if (empty(fill)) return;
    check(fill);
    const auto stream = stream_of(context, handle);
    if (synchronous) {
        refuse_capture(stream);
        refuse_unsafe_call();
    }
    // The host waits only if it can access the memory.
    const bool at_once = synchronous && host_can_access(place_of(fill.dst));
    if (submit(stream, FillWork{fill}) && at_once) drain(stream);
}

CUresult fill_call(const char *name, CUstream stream, bool synchronous, const CUDA_MEMSET_NODE_PARAMS &fill) {
    return context_call(name, [&](Context &context) { submit_fill(context, stream, fill, synchronous); }, Site::copy);
}

}  // namespace

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
