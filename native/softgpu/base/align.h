#pragma once

#include <cstdint>

namespace softgpu {

// The next multiple of `align`.
constexpr uint64_t align_up(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

}  // namespace softgpu
