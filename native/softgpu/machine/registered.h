// Host memory that cuMemHostRegister made accessible to kernels.
#pragma once

#include <cstdint>

namespace softgpu {

// All of [address, address + bytes) lies in one registered range. Safe while a kernel runs.
bool registered_host_range(uint64_t address, uint64_t bytes);

}  // namespace softgpu
