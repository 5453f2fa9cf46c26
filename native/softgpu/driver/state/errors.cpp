// Names and texts of errors.
#include "base/cuda_types.h"
#include "driver/state/call.h"

namespace softgpu {

namespace {

struct Text {
    int number;
    const char *name, *text;
};
constexpr Text TEXTS[] = {
#define CU_ERROR(number, name, text) {number, #name, text},
#include "base/cuda_errors.inc"
#undef CU_ERROR
};

CUresult look_up(CUresult error, const char **to, const char *Text::*member) {
    if (!to) return CUDA_ERROR_INVALID_VALUE;
    *to = nullptr;
    for (const Text &t : TEXTS)
        if (t.number == error) *to = t.*member;
    return *to ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

const char *error_name(int error) {
    const char *name = nullptr;
    return look_up(static_cast<CUresult>(error), &name, &Text::name) == CUDA_SUCCESS ? name : "an unknown error";
}

// These work without a device and without initialisation, so that a lost device can still be explained.
CU_API cuGetErrorName(CUresult error, const char **name) { return look_up(error, name, &Text::name); }
CU_API cuGetErrorString(CUresult error, const char **text) { return look_up(error, text, &Text::text); }

}  // namespace softgpu
