// What every function of the API goes through: counting, a lost device, initialisation, the current context and its
// sticky error, faults set on purpose, and exceptions turned into codes.
#pragma once

#include <new>
#include <string>

#include "driver.h"
#include "faults.h"
#include "types.h"

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

// The API function that this thread is in, for reports.
extern thread_local const char *current_call;
// Set while a function of the program's runs for a stream: such a function may make no CUDA calls.
extern thread_local bool in_host_function;
struct HostFunction {
    HostFunction() { in_host_function = true; }
    ~HostFunction() { in_host_function = false; }
};

const char *error_name(int error);

// Errors after which a context is of no use any more.
bool is_sticky(CUresult error);

template <class Body> CUresult guarded(const char *name, Site site, Body &&body) {
    const CUresult lost = count_call();
    if (lost != CUDA_SUCCESS) return lost;
    if (in_host_function) return CUDA_ERROR_NOT_PERMITTED;
    current_call = name;
    Driver &driver = Driver::get();
    Driver::Lock lock(driver);
    try {
        require(driver.initialized, CUDA_ERROR_NOT_INITIALIZED);
        body(driver, [&](Context *context) {
            const CUresult fault = injected_fault(site);
            if (fault == CUDA_SUCCESS) return;
            if (context && is_sticky(fault)) context->sticky = fault;
            fail(fault);
        });
        return CUDA_SUCCESS;
    } catch (const Failure &f) {
        return f.error;
    } catch (const std::bad_alloc &) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (const std::exception &e) {
        complain(std::string(name) + ": " + e.what());
        return CUDA_ERROR_UNKNOWN;
    }
}

// A call that needs no context.
template <class Body> CUresult driver_call(const char *name, Body &&body, Site site = Site::other) {
    return guarded(name, site, [&](Driver &driver, auto inject) {
        inject(nullptr);
        body(driver);
    });
}

// A call that works in the current context.
template <class Body> CUresult context_call(const char *name, Body &&body, Site site = Site::other) {
    return guarded(name, site, [&](Driver &driver, auto inject) {
        Context &context = driver.current();
        require(context.sticky == CUDA_SUCCESS, context.sticky);
        inject(&context);
        body(context);
    });
}

}  // namespace softgpu
