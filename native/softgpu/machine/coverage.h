// Which instructions of the programs that were loaded while the setting `coverage` was on some thread has run. A record
// keeps the text of its program, across resets of counters and unloading of modules, to the end of the process.
#pragma once

#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

// The record of a program. Programs of the same PTX text share one record. It is never freed.
Coverage &coverage_of(const Program &program);

// Adds a launch of a program, if it has a record: for each instruction of Program::code, zero if no thread ran it.
void cover(const Program &program, const std::vector<uint32_t> &ran);

// JSON of all records, or of those of programs with code from a source file of this name.
std::string coverage_json(const char *file);

}  // namespace softgpu
