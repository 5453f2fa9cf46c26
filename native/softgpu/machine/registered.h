// Host memory that cuMemHostRegister made accessible to kernels. All of this is safe while a kernel runs.
#pragma once

#include <cstdint>

#include "base/cuda_types.h"

namespace softgpu {

struct RegisteredRange {
    CUcontext context = nullptr;
    uint64_t start = 0, bytes = 0;
};

// False where the range overlaps one that is registered.
bool register_range(const RegisteredRange &range);
// False where no registered range begins there.
bool unregister_range(uint64_t start);
void unregister_ranges_of(CUcontext context);

// The range that holds `address`; false where there is none.
bool find_registered(uint64_t address, RegisteredRange &found);
// Whether all of [address, address + bytes) lies in one registered range.
bool is_registered(uint64_t address, uint64_t bytes);

}  // namespace softgpu
