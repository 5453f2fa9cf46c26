// From PTX to Program: which exec function runs each instruction, and where its operands lie.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "program.h"
#include "warp.h"

namespace softgpu {

// Throws ptx::Error where an instruction is not provided, naming it and its line. `addresses` tells where the module's .global and .const variables lie.
std::unique_ptr<Program> decode(ptx::Module module, const std::map<std::string, uint64_t> &addresses);

// Where a variable lies.
struct Location {
    enum class Base : uint8_t {
        absolute,           // offset is an address of its space (of global memory: the device address)
        frame,              // in local memory, from the start of the thread's current frame
        dynamic_shared,     // in shared memory, from Special::dynamic_shared
        parameter           // in the launch's parameters
    };
    ptx::Space space = ptx::Space::generic;
    Base base = Base::absolute;
    uint64_t offset = 0;
};

// Generic addresses of what is not the device's memory: a window for each space, where no host address can lie.
constexpr uint64_t SHARED_WINDOW = uint64_t(1) << 60;
constexpr uint64_t LOCAL_WINDOW = uint64_t(2) << 60;
constexpr uint64_t PARAMETER_WINDOW = uint64_t(3) << 60;
constexpr uint64_t FUNCTION_WINDOW = uint64_t(4) << 60;     // plus an index into Program::functions
constexpr uint64_t WINDOW_MASK = uint64_t(15) << 60;

// Local memory that a kernel with recursive calls gets beyond its deepest chain of calls without recursion.
constexpr uint32_t RECURSION_STACK = 65536;

// How an instruction's decoder says what its operands are. Operands of Instr are given through it alone: registers get
// their place only after all instructions are known.
class Operands {
public:
    virtual ~Operands() = default;

    // The result `operand` of `type` into instr.op[index]. A sink gets a place nobody reads. A pred type takes predicates.
    virtual void result(int index, const ptx::Operand &operand, ptx::Type type) = 0;
    // A source: a register, an immediate (converted to `type`: an integer truncated; a float literal's bits, rounded to
    // f32 for an f32 type given as a double), a special register, the address of a symbol, or a predicate.
    virtual void source(int index, const ptx::Operand &operand, ptx::Type type) = 0;
    // Elements of vectors or fragments, appended to Program::slots; the first call sets instr.more.
    virtual void more_results(const ptx::Operand &vector, ptx::Type type) = 0;
    virtual void more_sources(const ptx::Operand &vector, ptx::Type type) = 0;

    // Where a symbol, or the symbol of an address, lies: rejects what is no variable.
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

// Each family of instructions has one such function: fills `instr` (exec, operands, cls, imm, flags) and returns true, or
// returns false where the opcode is not of the family. An opcode of the family with types or modifiers that are not
// provided is rejected.
bool decode_integer(const ptx::Instruction &in, Instr &instr, Operands &operands);      // alu_integer.cpp
bool decode_float(const ptx::Instruction &in, Instr &instr, Operands &operands);        // alu_float.cpp: f32, f64
bool decode_half(const ptx::Instruction &in, Instr &instr, Operands &operands);         // alu_half.cpp: f16, bf16, packed
bool decode_convert(const ptx::Instruction &in, Instr &instr, Operands &operands);      // alu_convert.cpp: cvt
bool decode_compare(const ptx::Instruction &in, Instr &instr, Operands &operands);      // alu_compare.cpp: setp, set, selp, slct
bool decode_tensor(const ptx::Instruction &in, Instr &instr, Operands &operands);       // tensor.cpp: mma
bool decode_move(const ptx::Instruction &in, Instr &instr, Operands &operands);         // move.cpp: mov, cvta, special registers
bool decode_memory(const ptx::Instruction &in, Instr &instr, Operands &operands);       // memory.cpp: ld, st, cp.async, ldmatrix
bool decode_atomic(const ptx::Instruction &in, Instr &instr, Operands &operands);       // atomic.cpp: atom, red
bool decode_warp(const ptx::Instruction &in, Instr &instr, Operands &operands);         // shuffle.cpp: shfl, vote, match, redux
bool decode_barrier(const ptx::Instruction &in, Instr &instr, Operands &operands);      // barrier.cpp: bar, membar, fence
// bra, brx, call, ret, exit and trap are decode.cpp's own.

}  // namespace softgpu
