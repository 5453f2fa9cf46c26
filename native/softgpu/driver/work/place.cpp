#include "driver/work/place.h"

#include "base/hex.h"
#include "base/settings.h"
#include "driver/state/call.h"
#include "machine/arena.h"
#include "machine/registered.h"
#include "machine/report.h"

namespace softgpu {

Place place_of(uint64_t address) {
    if (!Arena::get().contains(address)) return is_registered(address, 1) ? Place::registered : Place::pageable;
    Arena::Allocation allocation;
    if (!Arena::get().find(address, allocation)) return Place::device;
    return allocation.kind == Arena::Kind::pinned    ? Place::pinned
           : allocation.kind == Arena::Kind::managed ? Place::managed
                                                     : Place::device;
}

bool accessible(const char *what, uint64_t address, uint64_t bytes, bool later) {
    const Arena &arena = Arena::get();
    if (arena.contains(address) ? arena.holds(address, bytes, later) : is_registered(address, bytes)) return true;
    if (settings().on(Check::bounds))
        report(std::string(current_call) + ": " + what + " of " + std::to_string(bytes) + " bytes at " +
               hex(address) + " does not lie in one live allocation; it is " + arena.describe(address));
    return false;
}

}  // namespace softgpu
