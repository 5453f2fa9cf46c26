// What cuDNN and cuBLAS ask about the device.
#pragma once

#include "base/cuda_types.h"

extern "C" {
CUresult cuCtxGetDevice(CUdevice *device);
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device);
}

namespace softgpu {

// Whether the current context's device has tensor cores for TF32 and bfloat16: from compute capability 8.0 on. It has
// if there is no context: then calls fail for that reason.
inline bool has_tf32_and_bfloat16() {
    CUdevice device;
    int major = 0, minor = 0;
    return cuCtxGetDevice(&device) != CUDA_SUCCESS ||
           cuDeviceComputeCapability(&major, &minor, device) != CUDA_SUCCESS || major >= 8;
}

}  // namespace softgpu
