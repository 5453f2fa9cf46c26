#include "driver/state/call.h"

#include <new>
#include <string>

#include "base/process_end.h"

namespace softgpu {

thread_local const char *current_call = "";
__thread bool null_stream_is_per_thread = false;
thread_local bool in_host_function = false;

bool is_sticky(CUresult error) {
    switch (error) {
        case CUDA_ERROR_ECC_UNCORRECTABLE:
        case CUDA_ERROR_NVLINK_UNCORRECTABLE:
        case CUDA_ERROR_CONTAINED:
        case CUDA_ERROR_ILLEGAL_ADDRESS:
        case CUDA_ERROR_LAUNCH_TIMEOUT:
        case CUDA_ERROR_ASSERT:
        case CUDA_ERROR_HARDWARE_STACK_ERROR:
        case CUDA_ERROR_ILLEGAL_INSTRUCTION:
        case CUDA_ERROR_MISALIGNED_ADDRESS:
        case CUDA_ERROR_INVALID_ADDRESS_SPACE:
        case CUDA_ERROR_INVALID_PC:
        case CUDA_ERROR_LAUNCH_FAILED:
        case CUDA_ERROR_TENSOR_MEMORY_LEAK: return true;
        default: return false;
    }
}

namespace {

void inject(Site site, const char *name, Context *context) {
    const CUresult fault = injected_fault(site, name);
    if (fault == CUDA_SUCCESS) return;
    if (context && is_sticky(fault)) context->sticky = fault;
    fail(fault);
}

struct NullStream {
    ~NullStream() { null_stream_is_per_thread = false; }
};

template <class Call> CUresult locked(const char *name, const Call &call) {
    Driver &driver = Driver::get();
    Driver::Lock lock(driver);
    try {
        require(driver.initialized, CUDA_ERROR_NOT_INITIALIZED);
        call(driver);
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

template <class Call> CUresult guarded(const char *name, const Call &call) {
    const NullStream ends_with_the_call;
    const CUresult lost = count_call();
    if (lost != CUDA_SUCCESS) return lost;
    if (in_host_function) return CUDA_ERROR_NOT_PERMITTED;
    current_call = name;
    const CUresult result = locked(name, call);
    if (result == CUDA_ERROR_DEINITIALIZED) give_way_to_process_end();
    return result;
}

}  // namespace

CUresult driver_call(const char *name, Body<Driver> body, Site site) {
    return guarded(name, [&](Driver &driver) {
        inject(site, name, nullptr);
        body(driver);
    });
}

CUresult context_call(const char *name, Body<Context> body, Site site) {
    return guarded(name, [&](Driver &driver) {
        Context &context = driver.current();
        require(context.sticky == CUDA_SUCCESS, context.sticky);
        inject(site, name, &context);
        body(context);
    });
}

}  // namespace softgpu
