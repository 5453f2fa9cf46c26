// Saying what went wrong, where.
#pragma once

#include <cstdint>
#include <string>

#include "block.h"
#include "driver/types.h"
#include "fault.h"

namespace softgpu {

std::string hex(uint64_t value);

// Makes the report of a fault of `w` at `instr`, stops the grid, and gives it the fault's error. The first one counts.
void report_fault(Block &block, const Warp &w, const Instr &instr, const Fault &fault);

// "k.cu:14": the CUDA source of an instruction, or an empty string where -lineinfo was not given.
std::string source_of(const ptx::Module &module, ptx::SourceLine source);
// The PTX of a line, trimmed.
std::string text_of(const ptx::Module &module, uint32_t line);

}  // namespace softgpu
