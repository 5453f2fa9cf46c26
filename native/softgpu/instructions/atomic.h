// Atomic updates of single elements of global memory, for what updates many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

struct ElementUpdate {
    std::string_view name;      // "add"
    ptx::Type type;
    uint32_t bytes;
    void (*apply)(std::byte *at, const std::byte *operand);
};

const std::vector<ElementUpdate> &element_updates();

}  // namespace softgpu
