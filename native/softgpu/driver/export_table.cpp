// NVIDIA's own libraries ask the driver for tables of undocumented functions. There are none here; but NVRTC, where it
// finds a libcuda.so.1 in its process, calls this function without asking whether it exists.
#include "driver/state/call.h"

extern "C" {

CU_API cuGetExportTable(const void **table, const void *) {
    if (table) *table = nullptr;
    return CUDA_ERROR_NOT_SUPPORTED;
}

}  // extern "C"
