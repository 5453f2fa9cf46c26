// Where memory lies, as copies and questions about pointers see it.
#pragma once

#include "driver.h"

namespace softgpu {

enum class Place { pageable, registered, pinned, managed, device };
Place place_of(uint64_t address);
inline bool host_can_access(Place place) { return place != Place::device; }

// All of the range lies in one live allocation or in registered host memory. Otherwise makes a report that names the
// current call and `what`, and returns false.
bool accessible(const char *what, uint64_t address, uint64_t bytes);

void forget_registered(Context &context);
// The registered range that holds `address`: its start, or 0.
uint64_t registered_range(uint64_t address, HostRange &found);

}  // namespace softgpu
