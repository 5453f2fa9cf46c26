#pragma once

#include <string>

#include "program/program.h"

namespace softgpu {

// The special register with a PTX name ("%tid.x"); false if it is unknown, or not constant while a block runs.
bool find_special(const std::string &name, Special &special);

}  // namespace softgpu
