// The instructions on bits, which decode_integer decodes with its own.
#pragma once

#include "program/decoding.h"

namespace softgpu {

const Opcodes &bit_opcodes();

}  // namespace softgpu
