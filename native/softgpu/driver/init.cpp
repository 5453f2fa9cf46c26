// Starting the driver.
#include <cstdlib>

#include "base/settings.h"
#include "driver/leaks.h"
#include "driver/state/call.h"
#include "driver/work/arguments.h"

namespace softgpu {

extern "C" {

CU_API cuInit(unsigned flags) {
    if (const CUresult lost = count_call(); lost != CUDA_SUCCESS) return lost;
    if (const CUresult fault = injected_fault(Site::other, __func__); fault != CUDA_SUCCESS) return fault;
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    Driver &driver = Driver::get();
    Driver::Lock lock(driver);
    if (driver.initialized) return CUDA_SUCCESS;
    // Objects that the exit handler uses are created before it is registered, so that they still exist when it runs.
    settings();
    Arena::get();
    watch_arguments();
    std::atexit(report_leaks_at_exit);
    driver.initialized = true;
    return CUDA_SUCCESS;
}

CU_API cuDriverGetVersion(int *version) {
    if (const CUresult lost = count_call(); lost != CUDA_SUCCESS) return lost;
    if (const CUresult fault = injected_fault(Site::other, __func__); fault != CUDA_SUCCESS) return fault;
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = settings().driver;
    return CUDA_SUCCESS;
}

}  // extern "C"

}  // namespace softgpu
