// Running a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

class Heap;

struct Launch {
    const Kernel *kernel = nullptr;
    uint32_t grid[3] = {1, 1, 1};
    uint32_t block[3] = {1, 1, 1};
    uint32_t cluster[3] = {1, 1, 1};        // blocks
    bool explicit_cluster = false;          // the kernel or the launch says so
    uint32_t dynamic_shared = 0;            // bytes
    int carveout = -1;                      // the part for shared memory that the kernel prefers, in percent; -1: none
    std::vector<uint8_t> parameters;        // laid out as Kernel::parameters says
    bool cooperative = false;               // all blocks are resident: each may wait for the others
    uint64_t workspace = 0;                 // of a cooperative grid: where its barrier is
    Heap *heap = nullptr;                   // of malloc and free
    uint64_t heap_bytes = 0;                // that can be allocated there
};

// Runs it to its end on the host's threads, one launch at a time. Returns a CUresult. If that is not CUDA_SUCCESS, the
// report was written to standard error and to last_report().
int run(const Launch &launch);

}  // namespace softgpu
