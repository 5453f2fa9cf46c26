// The prologue and epilogue of every API function: it counts the call, checks for a lost device, initialisation, the
// current context and its sticky error, applies injected faults, and turns exceptions into error codes.
#pragma once

#include <memory>

#include "driver/state/driver.h"
#include "driver/state/faults.h"

#define CU_API extern "C" __attribute__((visibility("default"))) CUresult

namespace softgpu {

// Ends a call with a code.
struct Failure {
    CUresult error;
};
[[noreturn]] inline void fail(CUresult error) { throw Failure{error}; }
inline void require(bool condition, CUresult error = CUDA_ERROR_INVALID_VALUE) {
    if (!condition) fail(error);
}

// The object of a handle.
template <class T> std::shared_ptr<T> object_of(const Registry<T> &registry, const T *handle) {
    std::shared_ptr<T> object = registry.find(handle);
    require(object != nullptr, CUDA_ERROR_INVALID_HANDLE);
    return object;
}

// Set by the variants of functions for a default stream per thread (per_thread.cpp), until the call ends.
extern __thread bool null_stream_is_per_thread asm("null_stream_is_per_thread")
    __attribute__((tls_model("initial-exec")));

// The API function that this thread is executing, for reports.
extern thread_local const char *current_call;
// Set while a host function or callback of the program runs for a stream: it must not make CUDA calls.
extern thread_local bool in_host_function;
struct HostFunction {
    HostFunction() { in_host_function = true; }
    ~HostFunction() { in_host_function = false; }
};

const char *error_name(int error);

// Errors that make a context unusable (sticky errors).
bool is_sticky(CUresult error);

// A non-owning reference to a function object: the body of a call.
template <class Argument> class Body {
public:
    template <class F> Body(const F &f)
        : object_(&f), run_([](const void *object, Argument &argument) { (*static_cast<const F *>(object))(argument); }) {}
    void operator()(Argument &argument) const { run_(object_, argument); }

private:
    const void *object_;
    void (*run_)(const void *object, Argument &argument);
};

// A call that needs no context.
CUresult driver_call(const char *name, Body<Driver> body, Site site = Site::other);
// A call that works in the current context.
CUresult context_call(const char *name, Body<Context> body, Site site = Site::other);

}  // namespace softgpu
