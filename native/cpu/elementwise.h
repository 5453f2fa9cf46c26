// Functions of one value: see io.framecast.backend.Elementwise. Most are bound by memory.
#pragma once

#include "device.h"

namespace framecast {

// y = f(x) for `size` values; `function` is the name of one of Function.
void elementwise(Device &device, const char *function, float alpha, float beta, const float *x, float *y,
        int64_t size);
// dy *= f'(x).
void elementwise_backward(Device &device, const char *function, float alpha, const float *x, float *dy, int64_t size);

// The same for a part: see functions.cpp, which is compiled once for each instruction set.
struct FunctionPass {
    void (*forward)(Function function, float alpha, float beta, const float *x, float *y, size_t n);
    void (*backward)(Function function, float alpha, const float *x, float *dy, size_t n);
};

const FunctionPass &function_pass();

}  // namespace framecast
