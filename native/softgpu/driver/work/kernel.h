// From the arguments of a launch to what the executor runs.
#pragma once

#include "module.h"
#include "work.h"

namespace softgpu {

// Checks all that the hardware and the driver would refuse, and copies the kernel's arguments.
KernelWork kernel_work(Function &function, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                       uint32_t dynamic_shared, void *const *parameters, void *const *extra);

// occupancy.cpp: blocks of a kernel that a multiprocessor holds at once.
int active_blocks(const Kernel &kernel, int threads, uint64_t dynamic_shared);
// Blocks that its registers alone allow.
int blocks_by_registers(const Kernel &kernel, int threads);

}  // namespace softgpu
