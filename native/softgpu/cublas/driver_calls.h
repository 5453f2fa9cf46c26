// The functions of libcuda.so.1 that the cuBLAS replacement calls.
#pragma once

#include "base/cuda_types.h"

extern "C" {
CUresult cuStreamSynchronize(void *stream);
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *copy);
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, void *stream);
}
