// The report of a fault: which check failed, where, and in which thread.
#pragma once

#include "machine/block.h"
#include "machine/fault.h"

namespace softgpu {

// Writes the report of a fault of `w` at `instr`, stops the grid, and sets its error. Only the first fault is reported.
void report_fault(Block &block, const Warp &w, const Instr &instr, const Fault &fault);

}  // namespace softgpu
