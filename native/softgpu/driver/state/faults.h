// Fault injection, for tests: the implementation of softgpu_inject and softgpu_call_count in softgpu.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/cuda_types.h"

namespace softgpu {

// Sets faults; an empty `text` removes all. Returns an error message, or an empty string.
std::string inject_faults(const std::string &text);
// The number of calls since the process began.
uint64_t call_count();

// The kinds of calls that can be made to fail.
enum class Site : uint8_t { other, alloc, copy, launch, synchronize, load, count };

// Counts a driver call. Returns CUDA_ERROR_UNKNOWN once the device is lost, as when a GPU has fallen off the bus.
CUresult count_call();
// Counts a call of this kind and of this function, and returns the fault set for it.
CUresult injected_fault(Site site, const char *function);
bool device_lost();
// How many devices the driver claims to have. All of them are the same.
int device_count();
// What a device attribute is in place of its true value.
std::optional<int> injected_attribute(int attribute);
// The limit of allocations: the device's memory, or less if a fault sets less.
uint64_t memory_limit();

}  // namespace softgpu
