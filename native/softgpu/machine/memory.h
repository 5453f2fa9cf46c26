// Translates the addresses of an instruction to host addresses, with checks and counters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "machine/races.h"
#include "ptx/module.h"

namespace softgpu {

// Checks and counts an access, and returns the host address for each active lane. `bytes` is the size for one lane. A
// plain store says what it stores. What a read finds unwritten is told in `unwritten`; it is a fault if that is null.
void resolve(Warp &w, const Instr &i, ptx::Space space, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
             std::byte **at, const StoredValues *stored = nullptr, Unwritten *unwritten = nullptr);

}  // namespace softgpu
