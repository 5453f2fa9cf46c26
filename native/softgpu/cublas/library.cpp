// Handles, their modes, versions and error texts.

#include "cublas/api.h"
#include "cublas/driver_calls.h"

using namespace softgpu;
using namespace softgpu::cublas;

namespace {

constexpr int VERSION[] = {12, 6, 0};
constexpr size_t CUDART_VERSION = 12060;

template <class T> cublasStatus_t get(const char *function, cublasHandle_t handle, T cublasContext::*member, T *to) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require_pointer(to, "result");
        *to = context.*member;
    });
}

}  // namespace

namespace softgpu::cublas {

Factor factor(const cublasContext &context, const void *pointer, Number type, const char *what) {
    require_pointer(pointer, what);
    Factor f;
    if (context.pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
        require_aligned(pointer, type, what);
        f.on_device = {reinterpret_cast<uint64_t>(pointer), Strided{type}};
    } else {
        dispatch(type, [&](auto t) { f.host = value(*static_cast<const decltype(t) *>(pointer)); });
    }
    return f;
}

void synchronize(const cublasContext &context) {
    const int error = cuStreamSynchronize(context.stream);
    require(error == 0, "the stream failed: CUresult " + std::to_string(error), CUBLAS_STATUS_EXECUTION_FAILED);
}

}  // namespace softgpu::cublas

CUBLAS_API cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
    return guarded(__func__, [&] {
        require_pointer(handle, "handle");
        *handle = Objects<cublasContext>::create();
    });
}

CUBLAS_API cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    return guarded(__func__, [&] { Objects<cublasContext>::destroy(&live(handle)); });
}

CUBLAS_API cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int *version) {
    return guarded(__func__, [&] {
        live(handle);
        require_pointer(version, "version");
        *version = VERSION[0] * 10000 + VERSION[1] * 100 + VERSION[2];
    });
}

CUBLAS_API cublasStatus_t cublasGetProperty(libraryPropertyType type, int *value) {
    return guarded(__func__, [&] {
        require_pointer(value, "value");
        require(type >= MAJOR_VERSION && type <= PATCH_LEVEL, "there is no such property");
        *value = VERSION[type];
    });
}

CUBLAS_API size_t cublasGetCudartVersion() { return CUDART_VERSION; }

// A stream comes with the library's own workspace, as documented.
CUBLAS_API cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, void *stream) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        context.stream = stream;
        context.workspace = nullptr;
        context.workspace_bytes = 0;
    });
}
CUBLAS_API cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, void **stream) {
    return get(__func__, handle, &cublasContext::stream, stream);
}

CUBLAS_API cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        constexpr uint64_t ALIGN = 256;
        require(reinterpret_cast<uint64_t>(workspace) % ALIGN == 0, "the workspace is not aligned to 256 bytes");
        if (bytes > 0) require_pointer(workspace, "workspace");
        context.workspace = workspace;
        context.workspace_bytes = bytes;
    });
}

CUBLAS_API cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        require(mode == CUBLAS_POINTER_MODE_HOST || mode == CUBLAS_POINTER_MODE_DEVICE,
                "there is no such pointer mode");
        context.pointer_mode = mode;
    });
}
CUBLAS_API cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t *mode) {
    return get(__func__, handle, &cublasContext::pointer_mode, mode);
}

CUBLAS_API cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        require(mode == CUBLAS_ATOMICS_NOT_ALLOWED || mode == CUBLAS_ATOMICS_ALLOWED, "there is no such atomics mode");
        context.atomics_mode = mode;
    });
}
CUBLAS_API cublasStatus_t cublasGetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t *mode) {
    return get(__func__, handle, &cublasContext::atomics_mode, mode);
}

CUBLAS_API cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        const int kind = mode & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
        require(kind >= CUBLAS_DEFAULT_MATH && kind <= CUBLAS_TF32_TENSOR_OP_MATH, "there is no such math mode");
        context.math_mode = mode;
    });
}
CUBLAS_API cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode) {
    return get(__func__, handle, &cublasContext::math_mode, mode);
}

CUBLAS_API cublasStatus_t cublasSetSmCountTarget(cublasHandle_t handle, int multiprocessors) {
    return guarded(__func__, [&] {
        cublasContext &context = live(handle);
        require(multiprocessors >= 0, "the number of multiprocessors is negative");
        context.multiprocessors = multiprocessors;
    });
}
CUBLAS_API cublasStatus_t cublasGetSmCountTarget(cublasHandle_t handle, int *multiprocessors) {
    return get(__func__, handle, &cublasContext::multiprocessors, multiprocessors);
}

CUBLAS_API const char *cublasGetStatusName(cublasStatus_t status) {
#define STATUS(name) \
    case name: return #name
    switch (status) {
        STATUS(CUBLAS_STATUS_SUCCESS);
        STATUS(CUBLAS_STATUS_NOT_INITIALIZED);
        STATUS(CUBLAS_STATUS_ALLOC_FAILED);
        STATUS(CUBLAS_STATUS_INVALID_VALUE);
        STATUS(CUBLAS_STATUS_ARCH_MISMATCH);
        STATUS(CUBLAS_STATUS_MAPPING_ERROR);
        STATUS(CUBLAS_STATUS_EXECUTION_FAILED);
        STATUS(CUBLAS_STATUS_INTERNAL_ERROR);
        STATUS(CUBLAS_STATUS_NOT_SUPPORTED);
        STATUS(CUBLAS_STATUS_LICENSE_ERROR);
    }
#undef STATUS
    return "unknown cuBLAS status";
}

CUBLAS_API const char *cublasGetStatusString(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS: return "no error";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "the handle was not created";
        case CUBLAS_STATUS_ALLOC_FAILED: return "an allocation failed";
        case CUBLAS_STATUS_INVALID_VALUE: return "an argument has a value that is not allowed";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "the work failed on the device";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "not supported";
        default: return cublasGetStatusName(status);
    }
}
