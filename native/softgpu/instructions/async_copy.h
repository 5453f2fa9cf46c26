// cp.async, as other instructions see it.
#pragma once

#include "machine/warp.h"

namespace softgpu {

// Completes all copies of the active lanes.
void complete_copies(Warp &w);

}  // namespace softgpu
