#include "driver.h"

#include <cstdio>
#include <cstdlib>

#include "../settings.h"
#include "arguments.h"
#include "call.h"

namespace softgpu {

thread_local std::vector<Context *> context_stack;
thread_local const char *current_call = "";
thread_local bool in_host_function = false;

// Never destroyed: threads of the program may be in it until the process is gone.
Driver &Driver::get() {
    static Driver *driver = new Driver;
    return *driver;
}

Context &Driver::current() {
    require(!context_stack.empty() && context_stack.back(), CUDA_ERROR_INVALID_CONTEXT);
    require(!context_stack.back()->destroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return *context_stack.back();
}

void complain(const std::string &sentence) { std::fprintf(stderr, "framecast softgpu: %s\n", sentence.c_str()); }

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

extern "C" {

CU_API cuInit(unsigned flags) {
    if (const CUresult lost = count_call(); lost != CUDA_SUCCESS) return lost;
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    Driver &driver = Driver::get();
    Driver::Lock lock(driver);
    if (driver.initialized) return CUDA_SUCCESS;
    // What the report at exit uses is made before that is registered, so that it is still there then.
    settings();
    Arena::get();
    watch_arguments();
    std::atexit(report_leaks_at_exit);
    driver.initialized = true;
    return CUDA_SUCCESS;
}

// The version whose NVRTC makes the newest PTX that is understood: CUDA 12.9.
CU_API cuDriverGetVersion(int *version) {
    if (const CUresult lost = count_call(); lost != CUDA_SUCCESS) return lost;
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = settings().driver;
    return CUDA_SUCCESS;
}

}  // extern "C"

}  // namespace softgpu
