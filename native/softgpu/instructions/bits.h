// The part of decode_integer that is in alu_bits.cpp.
#pragma once

#include "program/decoding.h"

namespace softgpu {

const Opcodes &bit_opcodes();

}  // namespace softgpu
