// Arithmetic of sizes that a program states. A result that is too large is the largest number, and nothing has that
// many bytes: so what would wrap around is refused where the memory is checked.
#pragma once

#include <cstdint>

namespace softgpu {

inline uint64_t product(uint64_t a, uint64_t b) {
    uint64_t result;
    return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

inline uint64_t sum(uint64_t a, uint64_t b) {
    uint64_t result;
    return __builtin_add_overflow(a, b, &result) ? UINT64_MAX : result;
}

// From the first byte to the last of `count` rows of `bytes`, `stride` apart.
inline uint64_t extent_of(uint64_t count, uint64_t stride, uint64_t bytes) {
    return sum(product(count - 1, stride), bytes);
}

}  // namespace softgpu
