// Checks of arguments that all functions of the cuBLAS replacement use.
#pragma once

#include "libraries/library.h"
#include "libraries/strided.h"
#include "cublas/types.h"

#define CUBLAS_API SOFTGPU_LIBRARY_API

namespace softgpu::cublas {

// Runs the body of an API function. If it refuses its arguments, the reason goes to standard error.
template <class F> cublasStatus_t guarded(const char *function, F body) {
    try {
        body();
        return CUBLAS_STATUS_SUCCESS;
    } catch (const Refusal &refusal) {
        complain(function, refusal.why);
        return static_cast<cublasStatus_t>(refusal.status);
    } catch (const std::bad_alloc &) {
        complain(function, "host memory is used up");
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
}

inline void require(bool condition, const std::string &why, cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE) {
    if (!condition) throw Refusal{status, why};
}
inline void require_pointer(const void *pointer, const char *what) {
    require(pointer != nullptr, std::string(what) + " is a null pointer");
}
inline void require_aligned(const void *pointer, Number type, const char *what) {
    require_pointer(pointer, what);
    require(reinterpret_cast<uint64_t>(pointer) % size(type) == 0,
            std::string(what) + " is not aligned to its elements' size");
}

inline cublasContext &live(cublasHandle_t handle) {
    require(Objects<cublasContext>::holds(handle), "the handle was never created, or was destroyed",
            CUBLAS_STATUS_NOT_INITIALIZED);
    return *handle;
}

// A factor such as alpha or beta: its value, or its device address to read at execution.
struct Factor {
    Operand on_device;      // of address 0: `host` is the factor
    double host = 0;

    bool known() const { return on_device.address == 0; }
    int read(const char *function, const char *what, double &to) const {
        to = host;
        if (known()) return 0;
        if (int error = on_device.check(function, what, true)) return error;
        to = on_device.read()[0];
        return 0;
    }
};
Factor factor(const cublasContext &context, const void *pointer, Number type, const char *what);

template <class Job> void launch(const cublasContext &context, const char *function, const Job &job) {
    const int error = enqueue(context.stream, function, job);
    require(error == 0, "the stream does not take it: CUresult " + std::to_string(error),
            CUBLAS_STATUS_EXECUTION_FAILED);
}
void synchronize(const cublasContext &context);

}  // namespace softgpu::cublas
