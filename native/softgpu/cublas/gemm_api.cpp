#include "cublas/gemm.h"

using namespace softgpu::cublas;

#define Int int
#define NAME(name) name
#include "cublas/gemm_api.inc"
#undef Int
#undef NAME
#define Int int64_t
#define NAME(name) name##_64
#include "cublas/gemm_api.inc"
#undef Int
#undef NAME
