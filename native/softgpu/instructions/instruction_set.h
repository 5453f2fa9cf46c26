// All instructions that the device provides, but for the control flow, which the decoder knows itself.
#pragma once

#include "program/decoder.h"

namespace softgpu {

const InstructionSet &instruction_set();

}  // namespace softgpu
