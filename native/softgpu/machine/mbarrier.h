// mbarrier objects (PTX ISA, "mbarrier"): their state is beside shared memory, by their address.
#pragma once

#include <cstdint>
#include <vector>

namespace softgpu {

struct Block;
struct Warp;

constexpr uint32_t MOST_ARRIVALS = (1 << 20) - 1;       // and bytes expected at once

struct Mbarrier {
    Block *owner = nullptr;
    uint32_t expected = 0;              // arrivals of the next phase
    uint32_t pending = 0;               // of this one
    int64_t bytes = 0;                  // that copies of this phase have still to bring
    uint32_t phase = 0;
    std::vector<uint32_t> arrived;      // joined clocks of the warps that arrived in this phase
    std::vector<uint32_t> completed;    // and of the phase before: a waiting warp is ordered after them

    // A bulk copy that completes as late as allowed: when some thread looks whether the phase has ended.
    struct Copy {
        uint32_t thread, time, to;      // time: of the issuing warp (races.h)
        std::vector<uint8_t> data;
    };
    std::vector<Copy> copies;
};

// Throws Fault for an object of another block of the cluster.
void require_own(const Warp &w, int lane, uint64_t address);
// The object at a shared address, for lane `lane`. Throws Fault if none was initialised there.
Mbarrier &mbarrier_at(Warp &w, int lane, uint64_t address);
void initialize_mbarrier(Warp &w, int lane, uint64_t address, uint32_t count);
void invalidate_mbarrier(Warp &w, int lane, uint64_t address);
// Each returns the state of the phase as it was before.
uint64_t arrive(Warp &w, int lane, Mbarrier &barrier, uint32_t count, bool drops, bool completes);
void expect_bytes(Warp &w, int lane, Mbarrier &barrier, uint32_t bytes);
void complete_bytes(Warp &w, int lane, Mbarrier &barrier, uint32_t bytes);
// Whether the phase of this parity has ended; then the warp is ordered after all that arrived in it.
bool has_ended(Warp &w, Mbarrier &barrier, uint32_t parity);
// Throws Fault where a plain access of shared memory touches an object.
void check_opaque(const Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes);

// A state, as arrive returns it: the parity of the phase and its pending arrivals.
inline uint32_t parity_of(uint64_t state) { return static_cast<uint32_t>(state >> 63); }
inline uint32_t pending_of(uint64_t state) { return static_cast<uint32_t>(state & MOST_ARRIVALS); }

}  // namespace softgpu
