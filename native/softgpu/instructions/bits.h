// The bit instructions. decode_integer decodes them together with the integer arithmetic.
#pragma once

#include "program/decoding.h"

namespace softgpu {

const Opcodes &bit_opcodes();

}  // namespace softgpu
