// Three coordinates or sizes as text.
#pragma once

#include <cstdint>
#include <string>

namespace softgpu {

// "(4,1,1)"
inline std::string triple(uint64_t x, uint64_t y, uint64_t z) {
    return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}
inline std::string triple(const uint32_t (&v)[3]) { return triple(v[0], v[1], v[2]); }

}  // namespace softgpu
