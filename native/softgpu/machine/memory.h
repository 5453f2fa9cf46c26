// From the addresses of an instruction to bytes of the host: checked and counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "machine/races.h"
#include "ptx/module.h"

namespace softgpu {

// Checks, counts and resolves: the host address of each active lane's bytes. `bytes` are those of one lane.
void resolve(Warp &w, const Instr &i, ptx::Space space, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
             std::byte **at);

}  // namespace softgpu
