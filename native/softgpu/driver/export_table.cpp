// NVIDIA's libraries ask the driver for tables of undocumented functions. There are none here, but the function must
// exist: if NVRTC finds a libcuda.so.1 in the process, it calls this function without a check.
#include "driver/state/call.h"

extern "C" {

CU_API cuGetExportTable(const void **table, const void *) {
    if (table) *table = nullptr;
    return CUDA_ERROR_NOT_SUPPORTED;
}

}  // extern "C"
