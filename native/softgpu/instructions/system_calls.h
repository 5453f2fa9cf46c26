// Functions that the device's system provides to kernels: printf and assert.
#pragma once

#include <string>

#include "program/program.h"

namespace softgpu {

// What runs a call of it (Instr::target is its CallSite), or null where it is not provided.
Exec system_call(const std::string &name);

}  // namespace softgpu
