// Which instructions some thread has run since the process began: what no reset and no unloading forgets.
#pragma once

#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

// The record of a program, which those of the same PTX text share. It is never freed.
Coverage &coverage_of(const Program &program);

// Adds what a launch ran: for each instruction of Program::code, zero where no thread did.
void cover(const Program &program, const std::vector<uint32_t> &ran);

// Of every program there was, or of those with code from a source file of this name.
std::string coverage_json(const char *file);

}  // namespace softgpu
