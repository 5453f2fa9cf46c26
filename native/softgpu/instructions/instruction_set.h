// All supported instructions, except control flow, which the decoder handles itself.
#pragma once

#include "program/decoder.h"

namespace softgpu {

const InstructionSet &instruction_set();

}  // namespace softgpu
