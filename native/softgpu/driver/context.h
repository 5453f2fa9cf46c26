#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Whether a context exists. Takes the driver's lock.
bool any_context();
// The primary context of the device. It is destroyed while nobody retains it.
Context &primary();
// The live context of a handle, or the current one if it is null; fails if there is none.
Context &context_of(CUcontext handle);

}  // namespace softgpu
