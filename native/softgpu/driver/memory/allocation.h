#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Allocates memory of a context. Fails if there is not enough.
uint64_t allocate(Context &context, uint64_t bytes, Arena::Kind kind, unsigned flags = 0);

}  // namespace softgpu
