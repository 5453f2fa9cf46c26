// Converts the arguments of a launch to what the machine runs.
#pragma once

#include "driver/state/module.h"
#include "driver/state/work.h"

namespace softgpu {

// Checks everything that the hardware or the driver would refuse, and copies the kernel's arguments.
KernelWork kernel_work(Function &function, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                       uint32_t dynamic_shared, void *const *parameters, void *const *extra);

// All its blocks run at the same time. Fails if they could not be resident at once.
void make_cooperative(KernelWork &work);

}  // namespace softgpu
