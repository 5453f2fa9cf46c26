// Running a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

struct Launch {
    const Kernel *kernel = nullptr;
    uint32_t grid[3] = {1, 1, 1};
    uint32_t block[3] = {1, 1, 1};
    uint32_t dynamic_shared = 0;            // bytes
    int carveout = -1;                      // the part for shared memory that the kernel prefers, in percent; -1: none
    std::vector<uint8_t> parameters;        // laid out as Kernel::parameters says
};

// Runs it to its end on the host's threads, one launch at a time. Returns a CUresult. If that is not CUDA_SUCCESS, the
// report was written to standard error and to last_report().
int run(const Launch &launch);

}  // namespace softgpu
