// System functions that kernels can call: printf and assert.
#pragma once

#include <string>

#include "program/program.h"

namespace softgpu {

// The function that executes a call (Instr::target is its CallSite), or null if the function is not provided or its
// arguments do not fit.
Exec system_call(const std::string &name, const CallSite &site);

}  // namespace softgpu
