// printf into a string.
#pragma once

#include <cstdio>
#include <string>

namespace softgpu {

// At most 511 characters.
template <class... T> std::string print(const char *pattern, T... values) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, pattern, values...);
    return buffer;
}

}  // namespace softgpu
