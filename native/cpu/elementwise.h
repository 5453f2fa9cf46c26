// Functions of one value: see io.framecast.backend.Elementwise. Bound by the exponentials, or by memory.
#pragma once

#include "device.h"

namespace framecast {

// y = f(x) for `size` values; `function` is the name of one of Elementwise.
void elementwise(Device &device, const char *function, float alpha, float beta, const float *x, float *y,
        int64_t size);
// dy *= f'(x).
void elementwise_backward(Device &device, const char *function, float alpha, const float *x, float *dy, int64_t size);

}  // namespace framecast
