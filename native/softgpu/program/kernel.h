// What a kernel needs to be launched: its parameters, and the registers and memory of all that it can call.
#pragma once

#include "program/call_graph.h"
#include "program/program.h"

namespace softgpu {

// Of function `f` of the program, whose functions are decoded.
Kernel make_kernel(const Program &program, uint32_t f, const ptx::Function &source, const CallGraph &graph);

}  // namespace softgpu
