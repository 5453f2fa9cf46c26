// From PTX to Program: which function executes each instruction, and where its operands are.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "program/operands.h"
#include "program/program.h"

namespace softgpu {

// What the decoder knows of instructions other than control flow.
struct InstructionSet {
    // Fills `instr` and returns true, or returns false for an opcode of another family.
    using Family = bool (*)(const ptx::Instruction &in, Instr &instr, Operands &operands);
    std::vector<Family> families;
    // What executes a call of a function that the device's system provides; null for any other.
    Exec (*system_call)(const std::string &name);
};

// Throws ptx::Error with the name and the line of an instruction that is not provided. `addresses` are those of the
// module's .global and .const variables.
std::unique_ptr<Program> decode(ptx::Module module, const std::map<std::string, uint64_t> &addresses,
                                const InstructionSet &instructions);

}  // namespace softgpu
