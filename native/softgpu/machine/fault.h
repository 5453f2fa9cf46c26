// What stops a launch: a failed check, or an error of the machine itself.
#pragma once

#include <cstdint>
#include <string>

#include "base/cuda_errors.h"
#include "base/settings.h"

namespace softgpu {

// Thrown by an instruction; the executor adds where it was and makes the report.
struct Fault {
    Check check;
    int lane;               // of the warp, or -1 for all
    std::string message;    // "write of 4 bytes at 0x7f.. outside any allocation; ..."
    int error;              // CUresult of the launch
};

}  // namespace softgpu
