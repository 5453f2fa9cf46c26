// The error codes of the CUDA 12 driver API.
#pragma once

enum CUresult : int {
#define CU_ERROR(number, name, text) name = number,
#include "base/cuda_errors.inc"
#undef CU_ERROR
};
