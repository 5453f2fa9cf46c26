// The first read of a loop around atom.cas: "old = *p; do { assumed = old; old = atomicCAS(p, assumed, f(assumed)); }
// while (old != assumed);". A plain load does there, since the comparison finds out if its value was not the present one.
#pragma once

#include <vector>

#include "ptx/module.h"

namespace softgpu {

// By index into the body: whether the instruction is a load whose value is what an atom.cas on the same address compares
// with.
std::vector<bool> reads_before_cas(const ptx::Function &function);

}  // namespace softgpu
