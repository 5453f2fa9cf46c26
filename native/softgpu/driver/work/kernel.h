// Converts the arguments of a launch to what the machine runs.
#pragma once

#include "driver/state/module.h"
#include "driver/state/work.h"

namespace softgpu {

// Checks everything that the hardware or the driver would refuse, and copies the kernel's arguments. The size of
// clusters is the kernel's own.
KernelWork kernel_work(const std::shared_ptr<Function> &function, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                       uint32_t dynamic_shared, void *const *parameters, void *const *extra);

// The most blocks of a cluster.
uint32_t most_cluster(const Function &function);
// The launch says the size of clusters.
void set_cluster(KernelWork &work, const uint32_t (&size)[3]);

// All its blocks run at the same time. Fails if they could not be resident at once.
void make_cooperative(KernelWork &work);

// What the launch of one said, and not its kernel, holds for the other.
void keep_attributes(KernelWork &to, const KernelWork &from);

}  // namespace softgpu
