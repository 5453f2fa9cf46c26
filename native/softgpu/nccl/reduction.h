// The arithmetic of reductions: in the order of the ranks, each sum rounded to the type, so that all ranks have the
// same bits, run after run. NCCL's own order depends on the number of GPUs and on how they are connected.
#pragma once

#include <vector>

#include "nccl/types.h"

namespace softgpu::nccl {

size_t size_of(int type);

// to = parts[0] op parts[1] op ...
void reduce(int type, int op, const std::vector<const std::byte *> &parts, size_t count, std::byte *to);

}  // namespace softgpu::nccl
