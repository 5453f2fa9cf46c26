// Copies and memsets: checked when requested, executed when their stream reaches them.
#pragma once

#include <memory>
#include <vector>

#include "driver/state/work.h"

namespace softgpu {

bool empty(const CopyWork &copy);
bool empty(const CUDA_MEMSET_NODE_PARAMS &fill);

CopyWork linear_copy(CopyWork::Side to, CopyWork::Side from, uint64_t bytes);
// From 3D parameters; fails if they are inconsistent, or reach outside a CUDA array.
CopyWork copy_of(const CUDA_MEMCPY3D &parameters);
// Fails unless source and destination are in the kind of memory that the parameters state.
void check(const CopyWork &copy);
void check(const CUDA_MEMSET_NODE_PARAMS &fill);
// Sets Side::pageable of both sides.
void find_pageable(CopyWork &copy);
// The bytes of the source, packed.
std::shared_ptr<const std::vector<uint8_t>> stage(const CopyWork &copy);
// Checked again when it runs, since memory may have been freed meanwhile.
CUresult run(const CopyWork &copy);
CUresult run(const FillWork &fill);

}  // namespace softgpu
