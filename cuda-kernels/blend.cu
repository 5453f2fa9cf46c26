// Moves the rows of y towards those of x: y += (x - y)*rate, with a rate for each row; both are (rows, n).
//
// A rate of 1 makes y exactly x: as a mask, rates of 0 and 1 select rows. They are read from memory, so that a captured
// graph can be launched again for each step.
//
// Launch: block 256, grid (at most ceil(n / 1024), rows): a grid-stride loop over a row. Bound by bytes: 12 a value.
#include "elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256) blend(const float *xs, float *ys, const float *rates, long long n) {
    const float rate = rates[blockIdx.y];
    const float *x = xs + blockIdx.y * n;
    float *y = ys + blockIdx.y * n;
    const auto blended = [rate](float from, float to) { return rate == 1.0f ? to : from + (to - from) * rate; };
    const long long vectors = vectorCount(n, x, y);
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 a = asFloat4(y, i), b = asFloat4(x, i);
        asFloat4(y, i) = make_float4(blended(a.x, b.x), blended(a.y, b.y), blended(a.z, b.z), blended(a.w, b.w));
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) y[i] = blended(y[i], x[i]);
}
