#include "elementwise.h"

#include "parallel.h"

namespace framecast {

namespace {

constexpr size_t grain = 1 << 14;

}  // namespace

void elementwise(Device &device, const char *name, float alpha, float beta, const float *x, float *y, int64_t size) {
    device.enter();
    const Function function = function_named(name);
    timed(device.profile(), "function", size, 8.0 * size, [&] {
        parallel_for(size, grain, [&](size_t begin, size_t end) {
            function_pass().forward(function, alpha, beta, x + begin, y + begin, end - begin);
        });
    });
}

void elementwise_backward(Device &device, const char *name, float alpha, const float *x, float *dy, int64_t size) {
    device.enter();
    const Function function = function_named(name);
    timed(device.profile(), "gradient of the function", 2.0 * size, 12.0 * size, [&] {
        parallel_for(size, grain, [&](size_t begin, size_t end) {
            function_pass().backward(function, alpha, x + begin, dy + begin, end - begin);
        });
    });
}

}  // namespace framecast
