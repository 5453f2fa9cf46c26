// How many blocks fit on a multiprocessor: the arithmetic of NVIDIA's occupancy calculator.
#pragma once

#include <cstdint>

#include "program/program.h"

namespace softgpu {

// The number of blocks of a kernel that a multiprocessor can hold at once.
int active_blocks(const Kernel &kernel, int threads, uint64_t dynamic_shared);
// The same, limited by registers only.
int blocks_by_registers(const Kernel &kernel, int threads);
// The bytes of shared memory available to each of `blocks`.
int64_t available_shared(int blocks);

}  // namespace softgpu
