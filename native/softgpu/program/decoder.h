// Decodes PTX to a Program: the function that executes each instruction, and the places of its operands.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "program/operands.h"
#include "program/program.h"

namespace softgpu {

// The interface to the instructions other than control flow.
struct InstructionSet {
    // Fills `instr` and returns true, or returns false for an opcode of another family.
    using Family = bool (*)(const ptx::Instruction &in, Instr &instr, Operands &operands);
    std::vector<Family> families;
    // The function that executes a call of a system function; null for other functions, and for arguments that do not
    // fit.
    Exec (*system_call)(const std::string &name, const CallSite &site);
};

// Throws ptx::Error with the name and the line of an unsupported instruction. `addresses` are those of the module's
// .global and .const variables.
std::unique_ptr<Program> decode(ptx::Module module, const std::map<std::string, uint64_t> &addresses,
                                const InstructionSet &instructions);

}  // namespace softgpu
