// How many blocks fit on a multiprocessor: the arithmetic of NVIDIA's occupancy calculator.
#pragma once

#include <cstdint>

#include "program/program.h"

namespace softgpu {

// Blocks of a kernel that a multiprocessor holds at once.
int active_blocks(const Kernel &kernel, int threads, uint64_t dynamic_shared);
// Blocks that its registers alone allow.
int blocks_by_registers(const Kernel &kernel, int threads);
// Bytes of shared memory that each of `blocks` can have.
int64_t available_shared(int blocks);

}  // namespace softgpu
