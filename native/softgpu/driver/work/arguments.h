// Checks that the arguments of a launch match the kernel's parameters. The API passes pointers without sizes, but the
// allocations that JCuda makes for the arguments can be observed, and they give the sizes.
#pragma once

#include <cstddef>

#include "program/program.h"

namespace softgpu {

// Begins to observe the allocations, if the process has a JVM with JCuda.
void watch_arguments();
void watch_java_arrays();

// Registers memory of `elements` elements that may hold an argument, until forget_block. Each thread has its own list.
void note_block(const void *start, size_t bytes, size_t elements);
void forget_block(const void *start);

// Fail with CUDA_ERROR_INVALID_VALUE. Also write a report if Check::arguments is on.
void check_arguments(const Kernel &kernel, void *const *parameters);
void check_buffer(const Kernel &kernel, size_t bytes);

}  // namespace softgpu
