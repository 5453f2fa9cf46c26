// The other functions of the driver API: each prints a message once and returns CUDA_ERROR_NOT_SUPPORTED.
#include <atomic>

#include "driver/state/call.h"

namespace softgpu {

namespace {

CUresult unsupported(const char *name, std::atomic_flag &said) {
    if (!said.test_and_set()) complain(std::string(name) + " is not provided");
    const CUresult lost = count_call();
    return lost != CUDA_SUCCESS ? lost : CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace

#define UNSUPPORTED(name)                      \
    CU_API name() {                            \
        static std::atomic_flag said;          \
        return unsupported(#name, said);       \
    }
#include "driver/unsupported.inc"
#undef UNSUPPORTED

}  // namespace softgpu
