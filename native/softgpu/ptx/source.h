// The source position of an instruction, as text.
#pragma once

#include <string>
#include <vector>

#include "ptx/module.h"

namespace softgpu::ptx {

// "k.cu:14": the CUDA source of an instruction; empty if the PTX was compiled without line information.
std::string source_of(const Module &module, SourceLine source);
// The same, followed by the calls through which its function was inlined, from the inside out.
std::vector<std::string> inlined_chain(const Module &module, SourceLine source);
// A line of the PTX, trimmed.
std::string text_of(const Module &module, uint32_t line);

}  // namespace softgpu::ptx
