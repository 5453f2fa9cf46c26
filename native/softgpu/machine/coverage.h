// Which instructions some thread has run since the process began. Kept across resets of counters and unloading of
// modules.
#pragma once

#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

// The record of a program. Programs of the same PTX text share one record. It is never freed.
Coverage &coverage_of(const Program &program);

// Adds a launch: for each instruction of Program::code, zero if no thread ran it.
void cover(const Program &program, const std::vector<uint32_t> &ran);

// JSON of all programs loaded so far, or of those with code from a source file of this name.
std::string coverage_json(const char *file);

}  // namespace softgpu
