// Parameters, results and arguments in registers: ".func (.reg .u32 r) f (.reg .u32 x)" and "call (%r1), f, (%r2, 3);".
#pragma once

#include "ptx/module.h"

namespace softgpu::ptx {

// Moves them to .param variables, with the loads and stores that this needs, so that all calls are of one kind.
void lower_register_parameters(Module &module);

}  // namespace softgpu::ptx
