// A request of a warp to the device's memory, by sectors of 32 bytes.
#pragma once

#include <cstdint>

#include "program/program.h"

namespace softgpu {

struct Request {
    static constexpr uint32_t SECTOR = 32;  // bytes

    // The sectors that the lanes of `mask` access, each lane so many bytes: 32 at most.
    Request(const uint64_t *address, uint32_t mask, uint32_t bytes);

    uint32_t count = 0;
    uint64_t sector[2 * LANES];             // addresses divided by 32, in the order of the lanes that come first there
    uint32_t bytes[2 * LANES];              // of each sector, those that are accessed: one bit for each
    uint8_t place[LANES];                   // of a lane's first byte: which of the sectors

private:
    uint32_t add(uint64_t s, uint32_t bits);
};

}  // namespace softgpu
