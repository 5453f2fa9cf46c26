// The registers and predicates that an instruction names, and the origins of their values (undefined.h).
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "machine/block.h"

namespace softgpu {

inline std::span<const Reference> references(const Warp &w, const Instr &i) {
    const Program &program = w.block->grid->program;
    const size_t pc = static_cast<size_t>(&i - program.code.data());
    return {program.references.data() + program.first_reference[pc],
            program.references.data() + program.first_reference[pc + 1]};
}

// The origins of a lane of a register, by byte, or that of a predicate's lane.
inline Origin *origins_of(UndefinedValues &u, const Reference &r, int lane) {
    if (r.predicate()) return &u.predicates[r.slot >> 1][lane];
    return &u.registers[r.slot + static_cast<uint32_t>(lane) * r.lane_bytes()];
}
inline const Origin *origins_of(const UndefinedValues &u, const Reference &r, int lane) {
    return origins_of(const_cast<UndefinedValues &>(u), r, lane);
}
inline uint32_t count_of(const Reference &r) { return r.predicate() ? 1 : r.lane_bytes(); }

// Whether one of the origins, a multiple of four, is not 0.
inline bool any_of(const Origin *origins, uint32_t count) {
    uint64_t any = 0;
    for (uint32_t o = 0; o < count; o += 4) {
        uint64_t four;
        std::memcpy(&four, origins + o, sizeof four);
        any |= four;
    }
    return any;
}
inline bool any_of(const UndefinedValues &u, const Reference &r) {
    return any_of(origins_of(u, r, 0), LANES * count_of(r));
}

// The first origin in a lane.
inline Origin origin_in(const UndefinedValues &u, const Reference &r, int lane) {
    const Origin *const at = origins_of(u, r, lane);
    for (uint32_t b = 0; b < count_of(r); ++b)
        if (at[b]) return at[b];
    return 0;
}

// Whether it must be defined.
inline bool decides(const Instr &i, const Reference &r) { return i.decides >> std::min(r.where, 5u) & 1; }

}  // namespace softgpu
