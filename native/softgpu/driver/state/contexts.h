// Contexts by handle, and the primary context.
#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Null if `handle` is not a live context.
Context *live_context(CUcontext handle);
// The live context of a handle, or the current one if it is null; fails if there is none.
Context &context_of(CUcontext handle);
// The primary context of the device. It is destroyed while nobody retains it.
Context &primary();
// Makes a context live.
void begin(Context &context, unsigned flags);
Context &make_context(unsigned flags);
// Whether a context exists. Takes the driver's lock.
bool any_context();

}  // namespace softgpu
