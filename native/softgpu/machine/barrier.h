// Barriers of a block: arrival, waiting and release.
#pragma once

#include "machine/block.h"

namespace softgpu {

// Instr::flags of a barrier instruction: what it does, and whether all lanes of a warp must reach it together.
enum BarrierFlags : uint8_t { SYNC, ARRIVE, POPC, AND, OR, CLUSTER_WAIT, KIND = 7, ALIGNED = 8 };

// The lanes `mask` of the warp arrive at the barrier instruction at `pc`. Returns the lanes that need not wait.
uint32_t arrive(Block &block, Warp &w, uint32_t pc, uint32_t mask);
// Called on deadlock. If the check is off, threads that have exited count as arrived. Otherwise throws Fault for the
// barrier or the missing lanes, and sets `at` and `warp` to the waiting instruction and warp.
bool settle(Block &block, const Warp *&warp, uint32_t &at);

}  // namespace softgpu
