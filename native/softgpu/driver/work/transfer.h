// Copies and memsets: checked when asked for, carried out when their stream comes to them.
#pragma once

#include "work.h"

namespace softgpu {

// From 3D parameters; fails where they are inconsistent or name arrays.
CopyWork copy_of(const CUDA_MEMCPY3D &parameters);
// Fails unless both ends lie in memory that may be accessed so.
void check(const CopyWork &copy);
void check(const CUDA_MEMSET_NODE_PARAMS &fill);
// Again when it runs, as memory may have been freed since.
CUresult run(const CopyWork &copy);
CUresult run(const FillWork &fill);

}  // namespace softgpu
