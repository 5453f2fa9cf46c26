// Locations of variables, and generic addresses of memory other than device memory.
#pragma once

#include <cstdint>

#include "ptx/module.h"

namespace softgpu {

// The location of a variable.
struct Location {
    enum class Base : uint8_t {
        absolute,           // offset is an address of its space (of global memory: the device address)
        frame,              // in local memory, from the start of the thread's current frame
        dynamic_shared,     // in shared memory, from Special::dynamic_shared
        parameter           // in the launch's parameters
    };
    ptx::Space space = ptx::Space::generic;
    Base base = Base::absolute;
    uint64_t offset = 0;
};

// Generic addresses of memory other than device memory: each space has a window that no host address is in.
constexpr uint64_t SHARED_WINDOW = uint64_t(1) << 60;
constexpr uint64_t LOCAL_WINDOW = uint64_t(2) << 60;
constexpr uint64_t PARAMETER_WINDOW = uint64_t(3) << 60;
constexpr uint64_t FUNCTION_WINDOW = uint64_t(4) << 60;     // plus an index into Program::functions
constexpr uint64_t WINDOW_MASK = uint64_t(15) << 60;

}  // namespace softgpu
