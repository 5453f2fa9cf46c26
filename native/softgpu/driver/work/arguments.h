// Whether the arguments of a launch fit the kernel's parameters. The API passes pointers without sizes; but how JCuda
// made what they point to can be watched, so that the sizes are known after all.
#pragma once

#include <cstddef>

#include "program/program.h"

namespace softgpu {

// Begins to watch, where the process has a Java virtual machine with JCuda in it.
void watch_arguments();
void watch_java_arrays();

// Memory of `elements` elements that may hold an argument, until forget_block. Each thread has its own list.
void note_block(const void *start, size_t bytes, size_t elements);
void forget_block(const void *start);

// Fail with CUDA_ERROR_INVALID_VALUE and a report, the latter where Check::arguments is on.
void check_arguments(const Kernel &kernel, void *const *parameters);
void check_buffer(const Kernel &kernel, size_t bytes);

}  // namespace softgpu
