// Address operands, for loads and stores, atomics, cp.async and ldmatrix.
#pragma once

#include <cstdint>

#include "program/operands.h"
#include "machine/races.h"
#include "machine/warp.h"

namespace softgpu {

constexpr uint8_t ADDRESS_32 = 1;       // bits of Instr::flags: the base of the address is a 32-bit register
constexpr uint8_t FRAME = 2;            // the address is relative to the thread's current frame in local memory
constexpr uint8_t STRONG = 4;           // volatile, relaxed, acquire, release: no race with other such accesses
constexpr uint8_t RELEASE = 8;          // orders earlier accesses, like a fence
constexpr uint8_t DEVICE_SCOPE = 16;    // for RELEASE: device scope, not only the block

// Decodes an address operand into instr: the base register to op[index] (NO_SLOT for none), the rest to imm, flags and
// space. A constant address of generic space belongs to global memory.
void decode_address(const ptx::Operand &operand, int index, ptx::Space space, Instr &instr, Operands &operands);
// The state space in the modifiers of an opcode; generic if there is none.
ptx::Space space_of(const ptx::Instruction &in);

// The addresses of the active lanes.
void addresses(const Warp &w, const Instr &i, Slot base, uint64_t *address);

// Calls access(space, mask), once if the instruction names the space. For generic addresses: once for each space that
// occurs, with the lanes of that space, and their addresses made relative to its window.
template <class F> void by_space(const Warp &w, const Instr &i, uint64_t *address, F access) {
    if (i.space != ptx::Space::generic) {
        access(i.space, w.active);
        return;
    }
    for (uint32_t rest = w.active; rest;) {
        const uint64_t window = address[__builtin_ctz(rest)] & WINDOW_MASK;
        uint32_t mask = 0;
        for (uint32_t more = rest; more; more &= more - 1) {
            const int l = __builtin_ctz(more);
            if ((address[l] & WINDOW_MASK) == window) {
                mask |= 1u << l;
                address[l] &= ~WINDOW_MASK;
            }
        }
        rest &= ~mask;
        access(window == SHARED_WINDOW      ? ptx::Space::shared
               : window == LOCAL_WINDOW     ? ptx::Space::local
               : window == PARAMETER_WINDOW ? ptx::Space::param
                                            : ptx::Space::global,
               mask);
    }
}

}  // namespace softgpu
