// Handles, versions and error texts.

#include <cstring>

#include "cudnn/api.h"

namespace softgpu::cudnn {

namespace {

constexpr int VERSION[] = {9, 10, 0};
constexpr size_t CUDART_VERSION = 12060;

thread_local std::string last_error;

}  // namespace

void set_last_error(std::string text) { last_error = std::move(text); }

}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API size_t cudnnGetVersion() { return VERSION[0] * 10000 + VERSION[1] * 100 + VERSION[2]; }
CUDNN_API size_t cudnnGetMaxDeviceVersion() { return cudnnGetVersion(); }
CUDNN_API size_t cudnnGetCudartVersion() { return CUDART_VERSION; }

CUDNN_API cudnnStatus_t cudnnOpsVersionCheck() { return CUDNN_STATUS_SUCCESS; }
CUDNN_API cudnnStatus_t cudnnCnnVersionCheck() { return CUDNN_STATUS_SUCCESS; }

CUDNN_API const char *cudnnGetErrorString(cudnnStatus_t status) {
#define STATUS(name) \
    case name: return #name
    switch (status) {
        STATUS(CUDNN_STATUS_SUCCESS);
        STATUS(CUDNN_STATUS_NOT_INITIALIZED);
        STATUS(CUDNN_STATUS_BAD_PARAM);
        STATUS(CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
        STATUS(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
        STATUS(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
        STATUS(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
        STATUS(CUDNN_STATUS_NOT_SUPPORTED);
        STATUS(CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
        STATUS(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
        STATUS(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT);
        STATUS(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED);
        STATUS(CUDNN_STATUS_EXECUTION_FAILED);
    }
#undef STATUS
    return "CUDNN_UNKNOWN_STATUS";
}

// Returns the reason of the last refused call of the thread, and clears it.
CUDNN_API void cudnnGetLastErrorString(char *message, size_t max_size) {
    if (message == nullptr || max_size == 0) return;
    const size_t length = std::min(last_error.size(), max_size - 1);
    memcpy(message, last_error.data(), length);
    message[length] = 0;
    last_error.clear();
}

CUDNN_API cudnnStatus_t cudnnGetProperty(libraryPropertyType type, int *value) {
    return guarded(__func__, [&] {
        require_pointer(value, "value");
        require(type >= MAJOR_VERSION && type <= PATCH_LEVEL, "there is no such property");
        *value = VERSION[type];
    });
}

CUDNN_API cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
    return guarded(__func__, [&] {
        require_pointer(handle, "handle");
        *handle = Objects<cudnnContext>::create();
    });
}

CUDNN_API cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    return guarded(__func__, [&] { Objects<cudnnContext>::destroy(&live(handle)); });
}

CUDNN_API cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, void *stream) {
    return guarded(__func__, [&] { live(handle).stream = stream; });
}

CUDNN_API cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, void **stream) {
    return guarded(__func__, [&] {
        require_pointer(stream, "stream");
        *stream = live(handle).stream;
    });
}
