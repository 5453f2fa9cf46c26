// Fat binaries, which nvcc and fatbinary make: a header, then entries of PTX or machine code for several GPUs, each with
// a header of its own. PTX may be compressed.
#pragma once

#include <string>

namespace softgpu {

// Whether it begins as a fat binary does, or as the wrapper that nvcc puts into programs.
bool is_fat_binary(const void *image);

// The PTX for the newest GPU that is not newer than compute capability `compute` (80 for 8.0). Ends the call with an
// error, and says why, if there is none.
std::string best_ptx(const void *image, int compute);

}  // namespace softgpu
