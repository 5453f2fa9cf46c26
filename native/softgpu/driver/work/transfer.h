// Copies and memsets: checked when asked for, carried out when their stream comes to them.
#pragma once

#include <memory>
#include <vector>

#include "driver/state/work.h"

namespace softgpu {

bool empty(const CopyWork &copy);
bool empty(const CUDA_MEMSET_NODE_PARAMS &fill);

CopyWork linear_copy(CopyWork::Side to, CopyWork::Side from, uint64_t bytes);
// From 3D parameters; fails where they are inconsistent or name arrays.
CopyWork copy_of(const CUDA_MEMCPY3D &parameters);
// Fails unless source and destination are in memory of the kind that was named.
void check(const CopyWork &copy);
void check(const CUDA_MEMSET_NODE_PARAMS &fill);
// Sets Side::pageable of both sides.
void find_pageable(CopyWork &copy);
// The bytes of the source, packed.
std::shared_ptr<const std::vector<uint8_t>> stage(const CopyWork &copy);
// Again when it runs, as memory may have been freed since.
CUresult run(const CopyWork &copy);
CUresult run(const FillWork &fill);

}  // namespace softgpu
