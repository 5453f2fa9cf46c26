// The kind of memory an address belongs to, for copies and pointer queries.
#pragma once

#include <cstdint>

namespace softgpu {

enum class Place { pageable, registered, pinned, managed, device };
Place place_of(uint64_t address);
inline bool host_can_access(Place place) { return place != Place::device; }

// Whether the whole range is in one live allocation or in registered host memory. If not, writes a report that names
// the current call and `what`. `later`: memory of a graph counts that will be allocated when the graph runs.
bool accessible(const char *what, uint64_t address, uint64_t bytes, bool later = false);

}  // namespace softgpu
