#pragma once

#include <string>

#include "program/program.h"

namespace softgpu {

// The special register of a PTX name ("%tid.x"); false if it is none that holds one value while a block runs.
bool find_special(const std::string &name, Special &special);

}  // namespace softgpu
