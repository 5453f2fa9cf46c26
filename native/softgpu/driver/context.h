#pragma once

namespace softgpu {

// Whether a context exists. Takes the driver's lock.
bool any_context();

}  // namespace softgpu
