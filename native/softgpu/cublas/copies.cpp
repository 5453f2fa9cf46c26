// Copies of vectors and matrices between host and device, done with the driver's 2D copies.

#include "cublas/api.h"
#include "cublas/driver_calls.h"

using namespace softgpu;
using namespace softgpu::cublas;

namespace {

enum class To { device, host };

// `columns` runs of `rows` elements; each run begins `ld` elements after the one before.
template <class Copy>
cublasStatus_t copy_matrix(const char *function, To to, int64_t rows, int64_t columns, int64_t element,
                           const void *from, int64_t from_ld, void *target, int64_t target_ld, Copy copy) {
    return guarded(function, [&] {
        require(rows >= 0 && columns >= 0, "a size is negative");
        require(element > 0, "the size of an element is not positive");
        require(from_ld >= std::max<int64_t>(1, rows) && target_ld >= std::max<int64_t>(1, rows),
                "a leading dimension or increment is too small");
        if (rows == 0 || columns == 0) return;
        require_pointer(from, "source");
        require_pointer(target, "destination");
        CUDA_MEMCPY2D c{};
        const bool to_host = to == To::host;
        c.srcMemoryType = to_host ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
        c.dstMemoryType = to_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
        c.srcHost = to_host ? nullptr : from;
        c.srcDevice = to_host ? reinterpret_cast<CUdeviceptr>(from) : 0;
        c.dstHost = to_host ? target : nullptr;
        c.dstDevice = to_host ? 0 : reinterpret_cast<CUdeviceptr>(target);
        c.srcPitch = from_ld * element;
        c.dstPitch = target_ld * element;
        c.WidthInBytes = rows * element;
        c.Height = columns;
        const int error = copy(&c);
        require(error == 0, "the copy failed: CUresult " + std::to_string(error), CUBLAS_STATUS_MAPPING_ERROR);
    });
}

}  // namespace

#define Int int
#define NAME(name) name
#include "cublas/copies.inc"
#undef Int
#undef NAME
#define Int int64_t
#define NAME(name) name##_64
#include "cublas/copies.inc"
#undef Int
#undef NAME
