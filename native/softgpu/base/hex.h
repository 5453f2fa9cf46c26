// An address or a mask as text.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

namespace softgpu {

// "0x7f1c"
inline std::string hex(uint64_t value) {
    char digits[16];
    return "0x" + std::string(digits, std::to_chars(digits, digits + sizeof digits, value, 16).ptr);
}

}  // namespace softgpu
