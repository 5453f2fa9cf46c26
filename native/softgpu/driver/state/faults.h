// Making calls fail on purpose: softgpu_inject of ../softgpu.h.
#pragma once

#include <cstdint>

#include "types.h"

namespace softgpu {

// What kinds of calls a fault can be set on.
enum class Site : uint8_t { other, alloc, copy, launch, synchronize, load, count };

// Counts a call of the driver. Once the device is lost, CUDA_ERROR_UNKNOWN, as where a GPU fell off the bus.
CUresult count_call();
// The error set for this call of the site, which is thereby counted.
CUresult injected_fault(Site site);
bool device_lost();
// What may be allocated: the device's memory, or less where a fault says so.
uint64_t memory_limit();

}  // namespace softgpu
