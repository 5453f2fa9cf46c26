// Checks of arguments that all functions of the cuDNN replacement use.
#pragma once

#include <utility>

#include "libraries/library.h"
#include "libraries/strided.h"
#include "cudnn/types.h"

#define CUDNN_API SOFTGPU_LIBRARY_API

namespace softgpu::cudnn {

// Runs the body of an API function. If it refuses its arguments, the reason goes to standard error and to
// cudnnGetLastErrorString.
void set_last_error(std::string text);
template <class F> cudnnStatus_t guarded(const char *function, F body) {
    try {
        body();
        return CUDNN_STATUS_SUCCESS;
    } catch (const Refusal &refusal) {
        set_last_error(complain(function, refusal.why));
        return static_cast<cudnnStatus_t>(refusal.status);
    } catch (const std::bad_alloc &) {
        set_last_error(complain(function, "host memory is used up"));
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    }
}

inline void require(bool condition, const std::string &why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
    if (!condition) throw Refusal{status, why};
}
inline void supported(bool condition, const std::string &why, cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED) {
    require(condition, why, status);
}
inline void require_pointer(const void *pointer, const char *what) {
    require(pointer != nullptr, std::string(what) + " is a null pointer", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
}

// Checks that a handle or descriptor exists.
template <class T> T &live(T *object, const char *what) {
    require_pointer(object, what);
    require(Objects<T>::holds(object), std::string(what) + " was never created, or was destroyed");
    return *object;
}
inline cudnnContext &live(cudnnHandle_t handle) { return live(handle, "handle"); }

// Checks that a descriptor exists and was set.
template <class T> const T &ready(const T *descriptor, const char *what) {
    live(const_cast<T *>(descriptor), what);
    require(descriptor->rank > 0, std::string(what) + " was created and never set");
    return *descriptor;
}

Number number(cudnnDataType_t type);
Strided layout(const cudnnTensorStruct &tensor);
Strided layout(const cudnnFilterStruct &filter);

// The array at a device address; checks that the address is not null, and aligned.
Operand operand(const Strided &layout, const void *address, const char *what);
inline Operand operand(const cudnnTensorStruct *tensor, const void *address, const char *what) {
    return operand(layout(ready(tensor, what)), address, what);
}
// Checks that it can be written: every index has its own address.
void require_writable(const Operand &operand, const char *what);
void require_apart(const Operand &a, const Operand &b, const char *what);
void require_same_shape(const Operand &a, const Operand &b, const char *what);
void require_same_type(const Operand &a, const Operand &b, const char *what);

// alpha and beta, the factors of the result and of the old contents: double for double tensors, float for others.
struct Blend {
    double alpha, beta;
};
double factor(const void *pointer, Number type, const char *what);
inline Blend blend(const void *alpha, const void *beta, Number type) {
    return {factor(alpha, type, "alpha"), factor(beta, type, "beta")};
}

// In-place work is allowed, partial overlap is not.
inline void require_in_place_or_apart(const Operand &from, const Operand &to, const char *what) {
    if (from.address == to.address)
        require(std::equal(from.layout.strides, from.layout.strides + from.layout.rank, to.layout.strides),
                std::string(what) + " are one tensor with different strides");
    else
        require_apart(from, to, what);
}

// Create and Destroy functions of descriptors.
template <class T> cudnnStatus_t create(const char *function, T **descriptor) {
    return guarded(function, [&] {
        require_pointer(descriptor, "descriptor");
        *descriptor = Objects<T>::create();
    });
}
template <class T> cudnnStatus_t destroy(const char *function, T *descriptor) {
    return guarded(function, [&] { Objects<T>::destroy(&live(descriptor, "descriptor")); });
}

template <class Job> void launch(const cudnnContext &context, const char *function, const Job &job) {
    const int error = enqueue(context.stream, function, job);
    require(error == 0, "the stream does not take it: CUresult " + std::to_string(error),
            CUDNN_STATUS_EXECUTION_FAILED);
}

}  // namespace softgpu::cudnn
