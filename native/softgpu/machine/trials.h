// Trials: an instruction runs with other values of its undefined sources. What differs of its results depends on them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "machine/warp.h"

namespace softgpu {

using Bits = std::array<uint64_t, LANES>;       // of a register; of a predicate the lowest one

// The bits of all numbers of `bytes` that have one of these bits.
inline uint64_t whole(uint64_t bits, uint32_t bytes) {
    const uint64_t one = bytes == 8 ? ~uint64_t(0) : (uint64_t(1) << 8 * bytes) - 1;
    uint64_t all = 0;
    for (uint32_t at = 0; at < 8; at += bytes)
        if (bits >> 8 * at & one) all |= one << 8 * at;
    return all;
}

// A source of an instruction, with its undefined bits.
struct Source {
    const Reference *r;
    Bits now, undefined{};
    uint32_t lanes = 0;         // in which some are undefined
};
// The sources that need not be defined.
std::vector<Source> sources_of(const Warp &w, const Instr &i);

// The results if the undefined bits of each source had these values.
std::vector<Bits> results_with(Warp &w, const Instr &i, const std::vector<Source> &sources,
                               const std::vector<Bits> &values);

// The bits of each result that differ with the values of the undefined bits, for Spread::decided, bits and upwards, and
// for matrix products.
std::vector<Bits> dependent_bits(Warp &w, const Instr &i, const std::vector<Source> &sources);

}  // namespace softgpu
