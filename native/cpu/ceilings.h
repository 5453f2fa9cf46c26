// The machine's peak rates, with which benchmarks compare: each the best of several tries, on the device's threads.
#pragma once

#include "device.h"

namespace framecast {

// Floating-point operations a second (a multiply-add is two) of oneDNN's product of two size x size matrices, with
// bfloat16 or float32 operands and a float32 result.
double matmul_flops(Device &device, int size, bool bf16);

// Bytes a second of copying a block of `bytes`, those read and those written both counted.
double copy_bytes(Device &device, size_t bytes);

}  // namespace framecast
