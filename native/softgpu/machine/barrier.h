// Barriers of a block: who waits at them, and when they go on.
#pragma once

#include "machine/block.h"

namespace softgpu {

// Instr::flags of a barrier instruction: what it does, and whether all lanes of a warp must reach it together.
enum BarrierFlags : uint8_t { SYNC, ARRIVE, POPC, AND, OR, KIND = 7, ALIGNED = 8 };

// The lanes `mask` of the warp arrive at the barrier instruction at `pc`. Lanes that need not wait are returned.
uint32_t arrive(Block &block, Warp &w, uint32_t pc, uint32_t mask);
// Nothing in the block can go on: threads that have exited count as arrived where the check is off; else throws Fault for
// the barrier or the lanes that never come, and sets `at` and `warp` to the instruction and the warp that wait.
bool settle(Block &block, const Warp *&warp, uint32_t &at);

}  // namespace softgpu
