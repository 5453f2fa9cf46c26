#pragma once

#include <string_view>

#include "ptx/module.h"

namespace softgpu::ptx {

// Throws Error. `text` need not end with a NUL; one that does is accepted.
Module parse(std::string_view text);

}  // namespace softgpu::ptx
