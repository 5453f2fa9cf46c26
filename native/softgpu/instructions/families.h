// The families of instructions. Each has one decode function. It fills `instr` (exec, operands, cls, imm, flags) and
// returns true, or returns false for an opcode of another family. It rejects unsupported types and modifiers.
#pragma once

#include "program/operands.h"

namespace softgpu {

bool decode_integer(const ptx::Instruction &in, Instr &instr, Operands &operands);      // and bits
bool decode_float(const ptx::Instruction &in, Instr &instr, Operands &operands);        // f32, f64
bool decode_half(const ptx::Instruction &in, Instr &instr, Operands &operands);         // f16, bf16 and their pairs
bool decode_convert(const ptx::Instruction &in, Instr &instr, Operands &operands);      // cvt
bool decode_compare(const ptx::Instruction &in, Instr &instr, Operands &operands);      // setp, set, selp, slct
bool decode_tensor(const ptx::Instruction &in, Instr &instr, Operands &operands);       // mma
bool decode_wmma(const ptx::Instruction &in, Instr &instr, Operands &operands);         // wmma
bool decode_move(const ptx::Instruction &in, Instr &instr, Operands &operands);         // mov, cvta, isspacep
bool decode_load_store(const ptx::Instruction &in, Instr &instr, Operands &operands);   // ld, st
bool decode_async_copy(const ptx::Instruction &in, Instr &instr, Operands &operands);   // cp.async
bool decode_mbarrier(const ptx::Instruction &in, Instr &instr, Operands &operands);     // mbarrier
bool decode_bulk_copy(const ptx::Instruction &in, Instr &instr, Operands &operands);    // cp.async.bulk
bool decode_async_store(const ptx::Instruction &in, Instr &instr, Operands &operands);  // st.async, red.async
bool decode_load_matrix(const ptx::Instruction &in, Instr &instr, Operands &operands);  // ldmatrix
bool decode_atomic(const ptx::Instruction &in, Instr &instr, Operands &operands);       // atom, red
bool decode_warp(const ptx::Instruction &in, Instr &instr, Operands &operands);         // shfl, vote, match, redux
bool decode_texture(const ptx::Instruction &in, Instr &instr, Operands &operands);      // tex, tld4, suld, sust
bool decode_video(const ptx::Instruction &in, Instr &instr, Operands &operands);        // vadd, vadd2, vadd4...
bool decode_cluster(const ptx::Instruction &in, Instr &instr, Operands &operands);      // barrier.cluster, mapa
bool decode_barrier(const ptx::Instruction &in, Instr &instr, Operands &operands);      // bar, membar, fence

}  // namespace softgpu
