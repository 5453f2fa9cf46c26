// Host memory that cuMemHostRegister made accessible to kernels. All functions may be called while a kernel runs.
#pragma once

#include <cstdint>

#include "base/cuda_types.h"

namespace softgpu {

struct RegisteredRange {
    CUcontext context = nullptr;
    uint64_t start = 0, bytes = 0;
};

// False if the range overlaps a registered one.
bool register_range(const RegisteredRange &range);
// False if no registered range begins there.
bool unregister_range(uint64_t start);
void unregister_ranges_of(CUcontext context);

// The range that contains `address`; false if there is none.
bool find_registered(uint64_t address, RegisteredRange &found);
// Whether [address, address + bytes) is inside one registered range.
bool is_registered(uint64_t address, uint64_t bytes);

}  // namespace softgpu
