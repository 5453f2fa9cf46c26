// Which memory an address lies in, as copies and questions about pointers see it.
#pragma once

#include <cstdint>

namespace softgpu {

enum class Place { pageable, registered, pinned, managed, device };
Place place_of(uint64_t address);
inline bool host_can_access(Place place) { return place != Place::device; }

// Whether all of the range lies in one live allocation or in registered host memory. If not, makes a report that names
// the current call and `what`.
bool accessible(const char *what, uint64_t address, uint64_t bytes);

}  // namespace softgpu
