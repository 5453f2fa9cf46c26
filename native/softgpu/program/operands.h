// How an instruction's decoder names its operands.
#pragma once

#include <string>

#include "program/location.h"
#include "program/program.h"

namespace softgpu {

// The interface through which an instruction's decoder declares its operands. All operands of Instr are set through it,
// since registers get their place only after all instructions are known.
class Operands {
public:
    virtual ~Operands() = default;

    // The result `operand` of `type` into instr.op[index]. A sink gets a slot that is not read. Type pred is for
    // predicates.
    virtual void result(int index, const ptx::Operand &operand, ptx::Type type) = 0;
    // A source: a register, an immediate (converted to `type`: an integer truncated; a float literal's bits, rounded to
    // f32 for an f32 type given as a double), a special register, the address of a symbol, or a predicate.
    virtual void source(int index, const ptx::Operand &operand, ptx::Type type) = 0;
    // Elements of vectors or fragments, appended to Program::slots; the first call sets instr.more.
    virtual void more_results(const ptx::Operand &vector, ptx::Type type) = 0;
    virtual void more_sources(const ptx::Operand &vector, ptx::Type type) = 0;

    // The location of a symbol, or of the symbol of an address. Rejects a symbol that is not a variable.
    virtual Location locate(const ptx::Operand &operand) = 0;
    virtual bool is_function(const ptx::Operand &symbol) const = 0;
    // The lanes of a special register, as a source.
    virtual void special(int index, Special which) = 0;

    virtual const ptx::Module &module() const = 0;
    virtual const ptx::Function &function() const = 0;
    virtual const ptx::Instruction &instruction() const = 0;
    // Throws ptx::Error at the instruction's line.
    [[noreturn]] void reject(const std::string &why) const {
        throw ptx::Error(instruction().line, instruction().full_opcode() + ": " + why);
    }
};

}  // namespace softgpu
