// What the matrix products of tensor cores share.
#pragma once

#include "machine/warp.h"

namespace softgpu::tensor {

struct Operand;         // tensor.cpp
struct Accumulator;

constexpr uint8_t SATFINITE = 1, COLUMN_A = 2, COLUMN_B = 4;        // bits of Instr::flags

// What an instruction multiplies: Instr::tensor of every mma is the base of one of these.
struct Form : TensorKind {
    ptx::Type a, b, c, d;
    int d_registers, a_registers, b_registers, c_registers;
    int target;                         // the least
    Exec exec;
    // Null for the forms of tensor_special.cpp.
    const Operand *left = nullptr, *right = nullptr;
    const Accumulator *sum = nullptr;
    void (*multiply)(const double (*)[LANES], const double (*)[2][4], double (*)[LANES]) = nullptr;
};

// The registers of an instruction's fragments.
struct Registers {
    const Form &form;
    const Slot *d, *a, *b, *c;
    Registers(const Warp &warp, const Instr &instr)
        : form(*static_cast<const Form *>(instr.tensor)), d(warp.slots + instr.more), a(d + form.d_registers),
          b(a + form.a_registers), c(b + form.b_registers) {}
};

void mma_f64(Warp &warp, const Instr &instr);
void mma_and(Warp &warp, const Instr &instr);           // of b1
void mma_xor(Warp &warp, const Instr &instr);
void mma_quarters(Warp &warp, const Instr &instr);      // m8n8k4 of f16

}  // namespace softgpu::tensor
