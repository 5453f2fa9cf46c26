// What a launch of a kernel needs: its parameters, and the registers and memory of all functions that it can call.
#pragma once

#include "program/call_graph.h"
#include "program/program.h"

namespace softgpu {

// For function `f` of a program whose functions are decoded.
Kernel make_kernel(const Program &program, uint32_t f, const ptx::Function &source, const CallGraph &graph);

}  // namespace softgpu
