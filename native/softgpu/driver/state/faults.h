// Making calls fail on purpose, for tests: what softgpu_inject and softgpu_call_count of softgpu.h do.
#pragma once

#include <cstdint>
#include <string>

#include "base/cuda_types.h"

namespace softgpu {

// Sets faults, or takes all back where `text` is empty. Returns what is wrong with it, or an empty string.
std::string inject_faults(const std::string &text);
// Calls since the process began.
uint64_t call_count();

// What kinds of calls a fault can be set on.
enum class Site : uint8_t { other, alloc, copy, launch, synchronize, load, count };

// Counts a call of the driver. Once the device is lost, CUDA_ERROR_UNKNOWN, as where a GPU fell off the bus.
CUresult count_call();
// The error set for this call of the site. Counts the call.
CUresult injected_fault(Site site);
bool device_lost();
// What may be allocated: the device's memory, or less where a fault says so.
uint64_t memory_limit();

}  // namespace softgpu
